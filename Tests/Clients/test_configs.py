"""Configurations at run time, as confluent-kafka and kafka-python see them."""

import socket
import struct
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource, ResourceType,
)
from kafka.admin import ConfigResource as PythonResource
from kafka.admin import ConfigResourceType, KafkaAdminClient

from harness import MARTLET, Cluster, fresh, wait_until

OVERRIDES = [
    "group.initial.rebalance.delay.ms=100", "log.retention.check.interval.ms=200", "log.segment.delete.delay.ms=100",
    "message.max.bytes=2000000", "log.retention.hours=48",
]


@pytest.fixture(scope="module")
def cluster():
    """Three nodes that look after retention often."""
    cluster = Cluster(nodes=3, overrides=OVERRIDES)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.destroy()


@pytest.fixture
def admin(cluster):
    return AdminClient({"bootstrap.servers": cluster.bootstrap})


def ask(port, key, version, body):
    """Sends one request in the old encoding and returns the body of its answer."""
    header = struct.pack(">hhih", key, version, 1, 5) + b"probe"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        answer = b""
        while len(answer) < 4 or len(answer) < 4 + struct.unpack_from(">i", answer)[0]:
            piece = connection.recv(65536)
            assert piece, "closed"
            answer += piece
    return answer[8:]


def text(word):
    return struct.pack(">h", len(word)) + word.encode()


def alter(port, resources):
    """IncrementalAlterConfigs, version 0: (kind, name, key, value or None); the code and words for each."""
    body = struct.pack(">i", len(resources))
    for kind, name, key, value in resources:
        body += struct.pack(">b", kind) + text(name) + struct.pack(">i", 1) + text(key)
        body += struct.pack(">bh", 1, -1) if value is None else struct.pack(">b", 0) + text(value)
    answer = ask(port, 44, 0, body + struct.pack(">b", 0))
    results, at = [], 8
    for _ in range(struct.unpack_from(">i", answer, 4)[0]):
        code, length = struct.unpack_from(">hh", answer, at)
        words = None if length < 0 else answer[at + 4 : at + 4 + length].decode()
        at += 4 + max(length, 0) + 1
        at += 2 + struct.unpack_from(">h", answer, at)[0]
        results.append((code, words))
    return results


def for_all(cluster, key, value):
    """Sets or deletes a key for all brokers: a resource without a name, which librdkafka does not send."""
    assert alter(cluster.port(1), [(4, "", key, value)]) == [(0, None)]


def change(admin, kind, name, **operations):
    """Sets (a value) or deletes (None) keys; dots are written as underscores."""
    entries = [
        ConfigEntry(
            key.replace("_", "."), value,
            incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET)
        for key, value in operations.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    return admin.incremental_alter_configs([resource])[resource].result(30)


def refusal(admin, kind, name, **operations):
    with pytest.raises(KafkaException) as caught:
        change(admin, kind, name, **operations)
    return caught.value.args[0]


def describe(admin, kind, name):
    resource = ConfigResource(kind, name)
    return admin.describe_configs([resource])[resource].result(30)


def write(cluster, topic, value, count=1):
    """The error of writing `count` records, or None."""
    errors = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "message.max.bytes": 10_000_000,
                         "batch.num.messages": 1, "message.timeout.ms": 15_000, "retries": 0})
    for _ in range(count):
        producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(60) == 0
    return next((error.code() for error in errors if error), None)


def test_a_setting_for_all_brokers_acts_at_once_and_is_taken_back(cluster, admin):
    topic = fresh("largest")
    cluster.create_topic(topic)
    assert write(cluster, topic, b"x" * 1_500_000) is None
    for_all(cluster, "message.max.bytes", "1000")
    wait_until(lambda: write(cluster, topic, b"x" * 5_000) == KafkaError.MSG_SIZE_TOO_LARGE, 10, "the limit acts")
    # A topic's own value goes before.
    change(admin, ResourceType.TOPIC, topic, max_message_bytes="20000")
    wait_until(lambda: write(cluster, topic, b"x" * 5_000) is None, 10, "the topic's value acts")
    change(admin, ResourceType.TOPIC, topic, max_message_bytes=None)
    for_all(cluster, "message.max.bytes", None)
    wait_until(lambda: write(cluster, topic, b"x" * 1_500_000) is None, 10, "the properties hold again")


def threads(cluster, node, name):
    """How many of a node's threads have a name that begins so."""
    names = [file.read_text() for file in Path(f"/proc/{cluster.process_of(node)}/task").glob("*/comm")]
    return sum(each.startswith(name) for each in names)


def test_the_pools_have_as_many_threads_as_they_are_told(cluster, admin):
    def all_have(count):
        wait_until(
            lambda: all(threads(cluster, node, "TP-") == count for node in cluster.nodes), 20,
            f"{count} threads of the pools")

    # One log directory: its pool, and the one for all else.
    all_have(2 * 8)
    refused = "Dynamic thread count update validation failed for num.io.threads=20, "
    assert alter(cluster.port(1), [(4, "", "num.io.threads", "20")]) == [
        (42, refused + "value should not be greater than double the current value 8")]
    for_all(cluster, "num.io.threads", "16")
    all_have(2 * 16)
    for count in (8, 4, 2):
        for_all(cluster, "num.io.threads", str(count))
        all_have(2 * count)
    topic = fresh("threads")
    cluster.create_topic(topic)
    assert write(cluster, topic, b"x", count=10) is None
    for_all(cluster, "num.io.threads", None)
    all_have(2 * 8)


def test_the_loops_are_as_many_as_they_are_told_and_nothing_is_lost_meanwhile():
    """More loops and fewer, each change with connections that were there before and new ones."""
    cluster = Cluster(nodes=3, overrides=OVERRIDES + ["num.network.threads=2"])
    try:
        cluster.up()
        change_loops_under_load(cluster)
    finally:
        cluster.destroy()


def change_loops_under_load(cluster):
    topic = fresh("loops")
    cluster.create_topic(topic)
    acknowledged, errors = [], []

    def producer():
        return Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "enable.idempotence": True,
                         "linger.ms": 1, "message.timeout.ms": 60_000})

    def note(error, message):
        (errors if error else acknowledged).append(error or message.value())

    def wait_for_loops(count):
        # A loop that is not needed any more keeps its thread.
        wait_until(
            lambda: all(threads(cluster, node, "data-") == count for node in cluster.nodes), 20, f"{count} loops")

    said = "Dynamic thread count update validation failed for num.network.threads"
    assert alter(cluster.port(1), [(4, "", "num.network.threads", "5")]) == [
        (42, f"{said}=5, value should not be greater than double the current value 2")]
    producers, sent = [producer()], 0
    for step, (count, most) in enumerate([(2, 2), (4, 4), (2, 4), (1, 4), (2, 4), (4, 4), (8, 8), (4, 8)]):
        for_all(cluster, "num.network.threads", str(count))
        wait_for_loops(most)
        # Those of before go on, on the loops that they have; a new one gets one of those that are open now.
        producers.append(producer())
        for number in range(50):
            for each in producers:
                each.produce(topic, b"%d" % sent, partition=0, on_delivery=note)
                sent += 1
            for each in producers:
                each.poll(0.002 if number % 10 == 0 else 0)
        assert describe_loops(cluster) == str(count), f"step {step}"
    assert alter(cluster.port(2), [(4, "", "num.network.threads", "1")]) == [
        (42, f"{said}=1, value should be at least half the current value 4")]
    # What is taken back goes back to the properties, however far.
    for_all(cluster, "num.network.threads", None)
    for each in producers:
        assert each.flush(60) == 0
    assert not errors and len(acknowledged) == sent
    reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": fresh("g")})
    reader.assign([TopicPartition(topic, 0, 0)])
    read = []
    wait_until(
        lambda: read.extend(m.value() for m in reader.consume(1_000, 0.5)) or len(read) >= sent, 60, "all is read")
    assert sorted(read) == sorted(acknowledged)
    reader.close()


def describe_loops(cluster):
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    return describe(admin, ResourceType.BROKER, "1")["num.network.threads"].value


def test_shorter_retention_removes_segments_of_a_live_topic(cluster, admin):
    topic = fresh("retention")
    cluster.create_topic(topic, segment_bytes=1_048_576)
    assert write(cluster, topic, b"x" * 300_000, count=15) is None
    directory = cluster.data(1) / f"{topic}-0"
    segments = lambda: len(list(directory.glob("*.log")))
    wait_until(lambda: segments() >= 4, 10, "several segments")
    change(admin, ResourceType.TOPIC, topic, retention_bytes="1000000")
    wait_until(lambda: segments() <= 2, 20, "old segments are removed")
    reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": fresh("g")})
    bounds = lambda: reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    # Each replica looks by itself: the leader's turn may come after that of the one whose files were counted.
    wait_until(lambda: bounds()[0] > 5, 20, "the leader's log starts later too")
    assert bounds()[1] == 15
    reader.close()


def test_more_replicas_are_demanded_at_once(own_cluster):
    topic = fresh("minimum")
    own_cluster.create_topic(topic)
    own_cluster.wait_in_sync(topic)
    admin = AdminClient({"bootstrap.servers": own_cluster.bootstrap})
    own_cluster.kill(3)
    wait_until(lambda: len(own_cluster.partitions(topic)[0][2]) == 2, 20, "two are in sync")
    assert write(own_cluster, topic, b"two of three") is None
    change(admin, ResourceType.TOPIC, topic, min_insync_replicas="3")
    refused = lambda: write(own_cluster, topic, b"three of three") == KafkaError.NOT_ENOUGH_REPLICAS
    wait_until(refused, 20, "two are not enough")
    change(admin, ResourceType.TOPIC, topic, min_insync_replicas="2")
    wait_until(lambda: write(own_cluster, topic, b"two again") is None, 20, "two are enough")


def test_a_description_tells_where_each_value_comes_from(cluster, admin):
    topic = fresh("described")
    cluster.create_topic(topic)

    def told(value, source):
        """Any broker may be asked, and each knows a change a moment later than another."""
        entry = describe(admin, ResourceType.TOPIC, topic)["retention.ms"]
        return (entry.value, entry.source) == (value, source.value)

    wait_until(lambda: told("172800000", ConfigSource.STATIC_BROKER_CONFIG), 10, "the node's own value is told")
    for_all(cluster, "log.retention.ms", "5000000")
    change(admin, ResourceType.BROKER, "1", log_retention_ms="6000000")
    change(admin, ResourceType.TOPIC, topic, retention_ms="7000000")

    def is_known():
        entry = describe(admin, ResourceType.BROKER, "1")["log.retention.ms"]
        return entry.value == "6000000" and describe(admin, ResourceType.TOPIC, topic)["retention.ms"].value == "7000000"

    wait_until(is_known, 10, "all settings are known")
    entry = describe(admin, ResourceType.BROKER, "1")["log.retention.ms"]
    assert entry.source == ConfigSource.DYNAMIC_BROKER_CONFIG.value and not entry.is_read_only
    fixed = describe(admin, ResourceType.BROKER, "1")
    assert fixed["node.id"].is_read_only and fixed["node.id"].value == "1"
    assert fixed["ssl.keystore.password"].is_sensitive and fixed["ssl.keystore.password"].value is None
    wait_until(lambda: told("7000000", ConfigSource.DYNAMIC_TOPIC_CONFIG), 10, "the topic's value is told")
    change(admin, ResourceType.BROKER, "1", log_retention_ms=None)
    for_all(cluster, "log.retention.ms", None)


def test_refusals_have_kafkas_codes_and_words(cluster, admin):
    topic = fresh("refused")
    cluster.create_topic(topic)
    error = refusal(admin, ResourceType.TOPIC, topic, retention="1")
    assert (error.code(), error.str()) == (KafkaError.INVALID_CONFIG, "Unknown topic config name: retention")
    error = refusal(admin, ResourceType.TOPIC, topic, min_insync_replicas="0")
    assert error.code() == KafkaError.INVALID_CONFIG
    assert error.str() == "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"
    error = refusal(admin, ResourceType.TOPIC, fresh("none"), retention_ms="1")
    assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    error = refusal(admin, ResourceType.BROKER, "1", num_partitions="5")
    assert error.code() == KafkaError.INVALID_REQUEST
    assert "Cannot update these configs dynamically" in error.str()
    error = refusal(admin, ResourceType.BROKER, "1", min_insync_replicas="2")
    assert error.code() == KafkaError.INVALID_CONFIG and "ELR is enabled" in error.str()
    code, words = alter(cluster.port(2), [(4, "", "max.connections", "many")])[0]
    assert code == 42 and words == "Invalid value many for configuration max.connections: Not a number of type INT"


def test_one_request_is_answered_resource_by_resource(cluster, admin):
    topic = fresh("mixed")
    cluster.create_topic(topic)
    resources = [(2, topic, "retention.ms", "1234567"), (4, "2", "log.retention.ms", "1"),
                 (4, "", "log.segment.delete.delay.ms", "200")]
    answers = alter(cluster.port(1), resources)
    assert answers == [(0, None), (42, "Unexpected broker id, expected 1, but received 2"), (0, None)]
    wait_until(lambda: describe(admin, ResourceType.TOPIC, topic)["retention.ms"].value == "1234567", 10, "it is set")


def test_the_older_request_replaces_all(cluster, admin):
    topic = fresh("replaced")
    cluster.create_topic(topic, retention_ms=1_000_000, segment_ms=2_000_000)
    resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"segment.ms": "3000000"})
    admin.alter_configs([resource])[resource].result(30)

    def is_replaced():
        found = describe(admin, ResourceType.TOPIC, topic)
        return found["segment.ms"].value == "3000000" and found["retention.ms"].value == "172800000"

    wait_until(is_replaced, 10, "what was not named is unset")


def test_kafka_python_alters_and_describes(cluster):
    topic = fresh("py-configs")
    cluster.create_topic(topic)
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    admin.alter_configs([PythonResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "8000000"})])
    resource = PythonResource(ConfigResourceType.TOPIC, topic)
    wait_until(lambda: "8000000" in str(admin.describe_configs([resource])), 10, "it is set")
    admin.close()


def test_settings_survive_restarts_of_all_nodes(own_cluster):
    topic = fresh("kept")
    own_cluster.create_topic(topic)
    admin = AdminClient({"bootstrap.servers": own_cluster.bootstrap})
    change(admin, ResourceType.TOPIC, topic, retention_ms="9000000")
    for_all(own_cluster, "log.retention.bytes", "123456789")
    own_cluster.down()
    own_cluster.run("up", "--nodes", 3, "--base-port", own_cluster.base_port)
    admin = AdminClient({"bootstrap.servers": own_cluster.bootstrap})
    assert describe(admin, ResourceType.TOPIC, topic)["retention.ms"].value == "9000000"
    assert describe(admin, ResourceType.TOPIC, topic)["retention.bytes"].value == "123456789"


def test_levels_of_loggers_are_configuration_of_a_node(cluster):
    name = "kafka.server.ReplicaManager"
    assert described(cluster.port(2), 8, "2")[name] == "INFO"
    assert alter(cluster.port(2), [(8, "2", name, "DEBUG")]) == [(0, None)]
    assert described(cluster.port(2), 8, "2")[name] == "DEBUG"
    assert described(cluster.port(1), 8, "1")[name] == "INFO"
    assert alter(cluster.port(2), [(8, "2", name, None)]) == [(0, None)]
    assert described(cluster.port(2), 8, "2")[name] == "INFO"
    assert alter(cluster.port(2), [(8, "2", "no.such", "DEBUG")]) == [(40, "Logger no.such does not exist!")]
    assert alter(cluster.port(2), [(8, "2", name, "LOUD")])[0][0] == 40
    assert alter(cluster.port(2), [(8, "1", name, "DEBUG")])[0][0] == 42


def test_resources_with_configuration_are_listed(cluster):
    topic = fresh("listed")
    cluster.create_topic(topic)
    listed = lambda *kinds: resources(cluster.port(1), kinds)
    wait_until(lambda: (0, topic, 2) in [(0, *entry) for entry in listed(2)[1]], 10, "the topic is listed")
    assert listed(4) == (0, [("1", 4), ("2", 4), ("3", 4)])
    assert ("3", 8) in listed()[1] and (topic, 2) in listed()[1]
    assert listed(77) == (35, [])


def described(port, kind, name):
    """DescribeConfigs, version 1: {key: value}"""
    body = struct.pack(">ib", 1, kind) + text(name) + struct.pack(">ib", -1, 0)
    answer = ask(port, 32, 1, body)
    at = 4

    def take(form):
        nonlocal at
        values = struct.unpack_from(">" + form, answer, at)
        at += struct.calcsize(">" + form)
        return values[0]

    def word():
        nonlocal at
        length = take("h")
        if length < 0:
            return None
        at += length
        return answer[at - length : at].decode()

    assert (take("i"), take("h"), word(), take("b"), word()) == (1, 0, "", kind, name)
    values = {}
    for _ in range(take("i")):
        key = word()
        values[key] = word()
        take("b"), take("b"), take("b")
        assert take("i") == 0
    return values


def resources(port, kinds):
    """ListConfigResources, version 1: the code and (name, kind) of each."""
    body = b"\0" + bytes([len(kinds) + 1, *kinds]) + b"\0"
    answer = ask(port, 74, 1, body)
    code, count = struct.unpack_from(">h", answer, 5)[0], answer[7] - 1
    found, at = [], 8
    for _ in range(count):
        length = answer[at] - 1
        found.append((answer[at + 1 : at + 1 + length].decode(), answer[at + 1 + length]))
        at += length + 3
    return code, found


def test_nodes_with_different_settings_are_named_once_by_the_controller(own_cluster):
    odd = next(node for node in own_cluster.nodes if node != own_cluster.active_controller())
    own_cluster.stop(odd)
    overrides = ["--override", "num.partitions=7", "--override", "min.insync.replicas=1"]
    node = subprocess.Popen([MARTLET, "server", own_cluster.path / f"node-{odd}" / "server.properties", *overrides],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def warnings():
        lines = own_cluster.logs(own_cluster.active_controller(), lines=10_000).splitlines()
        return [line for line in lines if "nodes are configured differently" in line]

    try:
        wait_until(lambda: len(warnings()) >= 2, 20, "both keys are named")
        partitions = next(line for line in warnings() if "num.partitions" in line)
        assert f"7 on {odd}" in partitions, partitions
        minimum = next(line for line in warnings() if "min.insync.replicas" in line)
        assert f"1 on {odd}" in minimum and "acting=2" in minimum, minimum
        assert len(warnings()) == 2
    finally:
        node.terminate()
        node.wait(20)
