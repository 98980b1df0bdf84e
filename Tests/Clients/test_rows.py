"""What introductions to Kafka say it does: one short test for each row, by its id.

C rows are concepts and claims, K rows commands, P rows a Python program. What a row needs hours or nodes of its own for
is in the other files; these show that what people have read is true here.
"""

import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from kafka import KafkaConsumer

from harness import MARTLET, Cluster, MetadataProbe, fresh, martlet, wait_until
from steady_stream import QUIET, SteadyStream, check, read_all


def tool(cluster, name, *arguments, **keywords):
    return martlet(name, "--bootstrap-server", cluster.bootstrap, *arguments, **keywords)


def send(cluster, topic, values, key=None, **settings):
    """Writes values and returns (partition, offset) of each, or the error's code."""
    answers = [None] * len(values)

    def remember(at):
        def answer(error, record):
            answers[at] = error.code() if error else (record.partition(), record.offset())

        return answer

    where = {"partition": settings.pop("partition")} if "partition" in settings else {}
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0, **QUIET, **settings})
    for at, value in enumerate(values):
        producer.produce(topic, value, key=key, on_delivery=remember(at), **where)
    producer.flush(60)
    return answers


def reader(cluster, group=None, **settings):
    return Consumer(
        {
            "bootstrap.servers": cluster.bootstrap, "group.id": group or fresh("group"),
            "auto.offset.reset": "earliest", "enable.auto.commit": False, "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 300, **QUIET, **settings,
        }
    )


def take(consumer, count, seconds=30):
    """So many records, in the order in which they come."""
    found = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        record = consumer.poll(0.2)
        if record is not None and record.error() is None:
            found.append(record)
    return found


def values(records):
    return [record.value() for record in records]


def spread(consumers, seconds=30):
    """Polls until every partition of the group is assigned; returns how many each member has."""
    end = time.monotonic() + seconds
    counts = []
    while time.monotonic() < end:
        for consumer in consumers:
            consumer.poll(0.05)
        counts.append([len(consumer.assignment()) for consumer in consumers])
        # The same for a while: nobody is about to join or leave.
        if len(counts) >= 5 and sum(counts[-1]) and counts[-1] == counts[-3] == counts[-5]:
            break
    return counts[-1]


@pytest.fixture
def topic(cluster, request):
    name = fresh(request.node.name.split("_")[1])
    cluster.create_topic(name, partitions=3)
    return name


@pytest.fixture(scope="module")
def hurt():
    """A fresh cluster that the rows about failures share: each leaves it whole."""
    cluster = Cluster(nodes=3, overrides=["group.initial.rebalance.delay.ms=100"])
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.destroy()


@pytest.fixture
def hurt_topic(hurt, request):
    name = fresh(request.node.name.split("_")[1])
    hurt.create_topic(name, partitions=3, min_insync_replicas=2)
    hurt.wait_in_sync(name)
    return name


# K: the commands of a tutorial, on a fresh cluster


def kafka(cluster, line, folder, **keywords):
    """A command line as a tutorial has it, with Kafka's program names and this cluster's address."""
    words = line.replace("kafka1:9092", cluster.bootstrap.split(",")[0]).split()
    link = folder / words[0]
    if not link.exists():
        link.symlink_to(MARTLET)
    return subprocess.run([link, *words[1:]], capture_output=True, text=True, timeout=60, **keywords)


CREATE = "kafka-topics.sh --create --bootstrap-server kafka1:9092 --topic orders --partitions 6 --replication-factor 3"


def test_K1_create(hurt, tmp_path):
    made = kafka(hurt, CREATE, tmp_path)
    assert (made.stdout, made.returncode) == ("Created topic orders.\n", 0)
    again = kafka(hurt, CREATE, tmp_path)
    assert again.returncode == 1 and "already exists" in again.stdout + again.stderr


def test_K2_describe_shows_the_assignment_of_the_tutorial(hurt, tmp_path):
    hurt.wait_in_sync("orders")
    # On a machine that is short of time a leader may have been found silent and replaced meanwhile.
    kafka(
        hurt, "kafka-leader-election.sh --bootstrap-server kafka1:9092 --election-type preferred "
        "--all-topic-partitions", tmp_path)
    shown = kafka(hurt, "kafka-topics.sh --describe --bootstrap-server kafka1:9092 --topic orders", tmp_path).stdout
    header, *lines = shown.splitlines()
    assert re.match(r"Topic: orders\tTopicId: \S+\tPartitionCount: 6\tReplicationFactor: 3\tConfigs: ", header)
    rows = [re.findall(r"Partition: (\d+)\tLeader: (\d+)\tReplicas: (\S+)", line)[0] for line in lines]
    rotations = ["1,2,3", "2,3,1", "3,1,2"]
    assert rows[:3] == [(str(number), rotation[0], rotation) for number, rotation in enumerate(rotations)]
    assert all(replicas.startswith(leader) for _, leader, replicas in rows)


def test_K3_list(hurt, tmp_path):
    listed = kafka(hurt, "kafka-topics.sh --list --bootstrap-server kafka1:9092", tmp_path).stdout.splitlines()
    assert "orders" in listed and listed == sorted(listed)


def test_K4_produce_without_a_prompt(hurt, tmp_path):
    line = "kafka-console-producer.sh --bootstrap-server kafka1:9092 --topic orders"
    done = kafka(hurt, line, tmp_path, input='{"order_id": 1, "amount": 29.99}\n')
    assert (done.stdout, done.returncode) == ("", 0)


def test_K5_consume_until_interrupted(hurt, tmp_path):
    link = tmp_path / "kafka-console-consumer.sh"
    link.symlink_to(MARTLET)
    process = subprocess.Popen(
        [link, "--bootstrap-server", hurt.bootstrap, "--topic", "orders", "--from-beginning"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == '{"order_id": 1, "amount": 29.99}\n'
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "Processed a total of 1 messages" in errors


# P: a Python program

PROGRAM = """
from confluent_kafka import Producer
import json

producer = Producer({'bootstrap.servers': 'kafka:9092'})

events = [
    {"key": "customer-101", "value": {"order_id": 1, "amount": 29.99}},
    {"key": "customer-102", "value": {"order_id": 2, "amount": 49.99}},
    {"key": "customer-101", "value": {"order_id": 3, "amount": 19.99}},
]

for event in events:
    producer.produce(
        topic="orders",
        key=event["key"].encode("utf-8"),
        value=json.dumps(event["value"]).encode("utf-8"),
    )

producer.flush()
print(f"Produced {len(events)} events")
"""


@pytest.fixture(scope="module")
def program_topic(cluster):
    """The topic that the program has written to."""
    name = fresh("P")
    cluster.create_topic(name, partitions=6)
    text = PROGRAM.replace("kafka:9092", cluster.bootstrap).replace('"orders"', f'"{name}"')
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.stdout == "Produced 3 events\n"
    return name


def test_P1_the_program_produces(cluster, program_topic):
    assert len(take(subscribed(cluster, program_topic), 3)) == 3


def test_P2_records_of_one_key_are_in_one_partition_in_order(cluster, program_topic):
    records = [record for record in take(subscribed(cluster, program_topic), 3) if record.key() == b"customer-101"]
    assert len({record.partition() for record in records}) == 1
    assert [b'"order_id": 1' in record.value() for record in records] == [True, False]
    assert records[0].partition() == zlib.crc32(b"customer-101") % 6


def test_P3_the_versions_that_the_client_looks_for_are_there(cluster):
    probe = MetadataProbe(cluster.port(1))
    probe.socket.sendall(struct.pack(">ihhih", 13, 18, 0, 1, 3) + b"row")
    frame = probe.receive(struct.unpack(">i", probe.receive(4))[0])
    probe.close()
    error, count = struct.unpack_from(">hi", frame, 4)
    found = {key: (low, high) for key, low, high in struct.iter_unpack(">hhh", frame[10 : 10 + 6 * count])}
    assert error == 0
    # librdkafka turns compression off where Produce does not begin at 0.
    assert found[0][0] == 0 and found[0][1] >= 10 and found[3][1] >= 9 and found[18][1] >= 3


def subscribed(cluster, topic, group=None, **settings):
    consumer = reader(cluster, group, **settings)
    consumer.subscribe([topic])
    return consumer


# C: concepts and claims


def test_C01_what_one_client_writes_the_others_read(cluster, topic):
    send(cluster, topic, [b"a", b"b"], key=b"k")
    assert values(take(subscribed(cluster, topic), 2)) == [b"a", b"b"]
    other = KafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap.split(","), auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    assert [next(other).value, next(other).value] == [b"a", b"b"]
    other.close()
    shown = subprocess.run(
        ["kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-e", "-q"], capture_output=True, text=True, timeout=30
    )
    assert shown.stdout == "a\nb\n"


def test_C02_topic_partition_and_offset_address_one_record(cluster, topic):
    answers = send(cluster, topic, [str(number) for number in range(10)], partition=0)
    assert answers == [(0, number) for number in range(10)]
    shown = tool(
        cluster, "console-consumer", "--topic", topic, "--partition", 0, "--offset", 7, "--max-messages", 1,
        "--timeout-ms", 20_000,
    )
    assert shown == "7\n"


def test_C03_a_consumer_that_stopped_at_3_goes_on_at_4(cluster, topic):
    send(cluster, topic, [str(number) for number in range(6)], partition=0)
    group = fresh("group")
    first = subscribed(cluster, topic, group)
    records = take(first, 4)
    first.commit(message=records[-1], asynchronous=False)
    first.close()
    (record,) = take(subscribed(cluster, topic, group), 1)
    assert (records[-1].offset(), record.offset()) == (3, 4)


def test_C04_a_fourth_consumer_of_three_partitions_waits_and_takes_over(cluster, topic):
    group = fresh("group")
    # The assignor goes by the members' ids, which begin with the client's: this one is never the idle one.
    failing = subprocess.Popen(
        ["kcat", "-b", cluster.bootstrap, "-q", "-X", "client.id=a", "-X", "session.timeout.ms=6000", "-G", group, topic],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    members = [subscribed(cluster, topic, group, **{"client.id": f"b{number}"}) for number in range(3)]
    try:
        wait_until(lambda: sorted(spread(members, 1)) == [0, 1, 1], 30, "one of four waits")
        shown = tool(cluster, "consumer-groups", "--describe", "--group", group, "--members")
        assert len(re.findall(rf"^{group} ", shown, re.M)) == 4
        # It says goodbye to nobody: the coordinator must notice by itself.
        failing.kill()
        wait_until(lambda: spread(members, 1) == [1, 1, 1], 30, "the idle member takes over")
    finally:
        failing.kill()
        failing.wait()
        for member in members:
            member.close()


def test_C05_partitions_are_divided_anew_when_members_join_and_leave(cluster, topic):
    group = fresh("group")
    first, second = subscribed(cluster, topic, group), subscribed(cluster, topic, group)
    assert sorted(spread([first, second])) == [1, 2]
    second.close()
    wait_until(lambda: spread([first], 1) == [3], 20, "who stays has everything")
    first.close()


def test_C06_groups_are_independent(cluster, topic):
    send(cluster, topic, [b"1", b"2", b"3"], key=b"k")
    one, two = subscribed(cluster, topic), subscribed(cluster, topic)
    assert values(take(one, 3)) == values(take(two, 3)) == [b"1", b"2", b"3"]


def test_C07_offsets_are_kept_in_a_compacted_topic_of_50_partitions(cluster, topic):
    send(cluster, topic, [b"1"])
    consumer = subscribed(cluster, topic)
    consumer.commit(message=take(consumer, 1)[0], asynchronous=False)
    header = tool(cluster, "topics", "--describe", "--topic", "__consumer_offsets").splitlines()[0]
    assert "PartitionCount: 50\t" in header and "cleanup.policy=compact" in header


def test_C09_zookeeper_is_refused_with_a_sentence(tmp_path):
    file = tmp_path / "server.properties"
    file.write_text("zookeeper.connect=localhost:2181\nbroker.id=0\n")
    done = subprocess.run([MARTLET, "server", file], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "zookeeper.connect" in done.stderr


def test_C10_a_quorum_of_controllers_keeps_the_metadata(cluster):
    status = tool(cluster, "metadata-quorum", "describe", "--status")
    assert re.search(r"LeaderId:\s+[123]\b", status) and re.search(r"CurrentVoters:.*1.*2.*3", status)


def test_C11_records_of_one_key_keep_their_order(cluster, topic):
    for key in (b"a", b"b", b"c"):
        answers = send(cluster, topic, [key + str(number).encode() for number in range(50)], key=key)
        assert len({partition for partition, _ in answers}) == 1
    records = take(subscribed(cluster, topic), 150)
    for key in (b"a", b"b", b"c"):
        assert values(record for record in records if record.key() == key) == [
            key + str(number).encode() for number in range(50)
        ]


def test_C12_records_without_a_key_reach_all_partitions(cluster, topic):
    answers = send(cluster, topic, [b"x"] * 600, **{"sticky.partitioning.linger.ms": 0})
    assert {partition for partition, _ in answers} == {0, 1, 2}


def test_C13_a_producer_may_name_the_partition(cluster, topic):
    assert {partition for partition, _ in send(cluster, topic, [b"x"] * 9, partition=2)} == {2}


def test_C14_records_may_be_sent_one_by_one_or_in_batches(cluster, topic):
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})
    for number in range(20):
        producer.produce(topic, str(number), partition=0)
        assert producer.flush(10) == 0
    batched = send(cluster, topic, [b"x"] * 2_000, partition=1, **{"linger.ms": 50})
    assert batched == [(1, number) for number in range(2_000)]


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_C15_each_kind_of_acknowledgement(cluster, topic, acks):
    cluster.wait_led(topic)
    answers = send(cluster, topic, [b"x"] * 10, partition=0, acks=acks)
    assert all(partition == 0 for partition, _ in answers)
    assert len(take(subscribed(cluster, topic), 10)) == 10


def test_C16_whoever_names_no_acks_gets_those_of_all_replicas(hurt, hurt_topic):
    """Introductions call acks=1 the default; since Kafka 3.0 clients ask for all, and so the ISR counts."""
    tool(hurt, "configs", "--alter", "--topic", hurt_topic, "--add-config", "min.insync.replicas=3")
    hurt.kill(3)
    try:
        wait_until(
            lambda: all(3 not in isr for _, _, isr in hurt.partitions(hurt_topic).values()), 30, "the ISR is smaller")
        quick = {"message.timeout.ms": 3_000, "retries": 0}
        refused = (
            KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND, KafkaError._MSG_TIMED_OUT
        )
        assert send(hurt, hurt_topic, [b"x"], partition=0, **quick)[0] in refused
        assert send(hurt, hurt_topic, [b"x"], partition=0, acks=1)[0][0] == 0
    finally:
        hurt.start(3)
        hurt.wait_in_sync(hurt_topic)


def test_C17_C24_with_too_few_replicas_acks_all_is_refused_and_acks_1_taken(hurt):
    name = fresh("C17")
    hurt.create_topic(name, min_insync_replicas=3)
    hurt.wait_in_sync(name)
    leader, replicas, _ = hurt.partitions(name)[0]
    victim = next(node for node in replicas if node != leader)
    os.kill(hurt.process_of(victim), signal.SIGKILL)
    try:
        settings = {"message.timeout.ms": 4_000, "retries": 0}
        assert send(hurt, name, [b"all"], partition=0, acks="all", **settings) != [(0, 0)]
        (one,) = send(hurt, name, [b"one"], partition=0, acks="1", **settings)
        assert isinstance(one, tuple)
    finally:
        hurt.start(victim)
        hurt.wait_in_sync(name)


def test_C18_followers_hold_what_the_leader_holds(cluster, topic):
    send(cluster, topic, [b"x" * 100] * 50, partition=0, acks="all")
    logs = [cluster.data(node) / f"{topic}-0" / "00000000000000000000.log" for node in cluster.nodes]
    wait_until(lambda: len({log.read_bytes() for log in logs}) == 1, 20, "the replicas are byte-equal")


@pytest.fixture(scope="module")
def after_a_kill(hurt):
    """A steady stream while the leader of a partition is killed and comes back: what was seen."""
    topic = fresh("kill")
    hurt.create_topic(topic, partitions=1, min_insync_replicas=2)
    hurt.wait_in_sync(topic)
    seen = {}
    with SteadyStream(hurt.bootstrap, topic, 1, rate=300) as stream:
        time.sleep(1)
        seen["leader"], _, seen["isr"] = hurt.partitions(topic)[0]
        since = time.monotonic()
        os.kill(hurt.process_of(seen["leader"]), signal.SIGKILL)

        def without_it():
            leader, _, isr = hurt.partitions(topic)[0]
            return leader not in (None, seen["leader"]) and seen["leader"] not in isr and (leader, isr)

        seen["next leader"], seen["smaller isr"] = wait_until(without_it, 30, "another leads")
        time.sleep(1)
        seen["gap"] = stream.gap([0], since, time.monotonic())
        hurt.start(seen["leader"])
        hurt.wait_in_sync(topic)
        seen["isr at the end"] = hurt.partitions(topic)[0][2]
    seen["wrong"] = check(stream, read_all(hurt.bootstrap, topic, 1))
    seen["failed"] = stream.failed
    return seen


def test_C19_only_a_replica_in_sync_comes_to_lead(after_a_kill):
    assert after_a_kill["next leader"] in after_a_kill["isr"]


def test_C20_a_dead_replica_leaves_the_isr_and_catches_up_on_return(after_a_kill):
    assert after_a_kill["leader"] not in after_a_kill["smaller isr"]
    assert sorted(after_a_kill["isr at the end"]) == [1, 2, 3]


def test_C21_a_leader_is_replaced_by_itself_and_soon(after_a_kill):
    print(f"GAP {after_a_kill['gap']:.3f} s")
    assert after_a_kill["gap"] < 5


def test_C22_C50_nothing_that_was_acknowledged_is_lost(after_a_kill):
    assert after_a_kill["wrong"] == [] and after_a_kill["failed"] == []


def test_C23_a_record_is_readable_once_the_isr_has_it(hurt, hurt_topic):
    leader = hurt.partitions(hurt_topic)[0][0]
    followers = [node for node in hurt.nodes if node != leader]
    send(hurt, hurt_topic, [b"seen"], partition=0, acks="all")
    consumer = reader(hurt)
    consumer.assign([TopicPartition(hurt_topic, 0, 0)])
    assert values(take(consumer, 1)) == [b"seen"]
    for node in followers:
        hurt.pause(node)
    try:
        assert send(hurt, hurt_topic, [b"later"], partition=0, acks="1") == [(0, 1)]
        assert take(consumer, 1, seconds=0.7) == []
    finally:
        for node in followers:
            hurt.resume(node)
    assert values(take(consumer, 1)) == [b"later"]
    hurt.wait_in_sync(hurt_topic)


def test_C25_leader_not_available_until_the_leader_is_back(hurt):
    topic = fresh("C25")
    hurt.create_topic(topic, partitions=1, factor=1)
    leader = hurt.partitions(topic)[0][0]
    other = next(node for node in hurt.nodes if node != leader)
    os.kill(hurt.process_of(leader), signal.SIGKILL)
    try:
        probe = MetadataProbe(hurt.port(other))
        wait_until(lambda: probe.leaders(topic)[0] == -1, 20, "no leader is named")
        probe.close()
    finally:
        hurt.start(leader)
    assert send(hurt, topic, [b"x"], acks="all") == [(0, 0)]


def test_C26_a_new_controller_takes_over_under_load(hurt, hurt_topic):
    with SteadyStream(hurt.bootstrap, hurt_topic, 3, rate=200) as stream:
        time.sleep(0.5)
        active = hurt.active_controller()
        os.kill(hurt.process_of(active), signal.SIGKILL)
        wait_until(lambda: hurt.active_controller() != active, 20, "another controller is active")
        made = fresh("C26-made")
        wait_until(lambda: hurt.create_topic(made, factor=2) or True, 20, "a topic is made")
        hurt.start(active)
        hurt.wait_in_sync(hurt_topic)
    assert check(stream, read_all(hurt.bootstrap, hurt_topic, 3)) == [] and not stream.failed


def test_C27_a_topic_is_moved_to_other_brokers(cluster, tmp_path):
    moved = fresh("C27")
    tool(cluster, "topics", "--create", "--topic", moved, "--replica-assignment", "1:2,1:2")
    topics, plan = tmp_path / "topics.json", tmp_path / "plan.json"
    topics.write_text('{"version": 1, "topics": [{"topic": "%s"}]}' % moved)
    proposed = tool(
        cluster, "reassign-partitions", "--topics-to-move-json-file", topics, "--broker-list", "2,3", "--generate")
    plan.write_text(proposed.strip().splitlines()[-1])
    tool(cluster, "reassign-partitions", "--reassignment-json-file", plan, "--execute")
    wait_until(
        lambda: all(sorted(isr) == [2, 3] for _, _, isr in cluster.partitions(moved).values()), 60, "it has moved")


@pytest.mark.parametrize("creates", ["true", "false"])
def test_C28_topics_are_made_by_asking_where_that_is_allowed(creates):
    cluster = Cluster(nodes=1, overrides=[f"auto.create.topics.enable={creates}", "offsets.topic.replication.factor=1"])
    try:
        cluster.up()
        (answer,) = send(cluster, "asked", [b"x"], **{"message.timeout.ms": 5_000})
        assert isinstance(answer, tuple) == (creates == "true")
        listed = tool(cluster, "topics", "--list").split()
        assert ("asked" in listed) == (creates == "true")
    finally:
        cluster.destroy()


def test_C29_old_records_go_by_time_and_by_size():
    cluster = Cluster(
        nodes=1, overrides=["log.retention.check.interval.ms=200", "offsets.topic.replication.factor=1"]
    )
    try:
        cluster.up()
        cluster.create_topic("time", factor=1, retention_ms=500, segment_bytes=1_048_576, segment_ms=200)
        cluster.create_topic("size", factor=1, retention_bytes=2_000_000, segment_bytes=1_048_576)
        for topic in ("time", "size"):
            send(cluster, topic, [b"x" * 100_000] * 50, partition=0)
        client = reader(cluster)

        def start(topic):
            return client.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[0]

        wait_until(lambda: start("time") > 0, 20, "records go by age")
        wait_until(lambda: 20 <= start("size") < 50, 20, "records go by size")
    finally:
        cluster.destroy()


def test_C30_C37_the_log_can_be_read_again_and_by_many(cluster, topic):
    send(cluster, topic, [str(number) for number in range(20)], partition=0)
    everything = [str(number).encode() for number in range(20)]
    for _ in range(3):
        assert values(take(subscribed(cluster, topic), 20)) == everything


def test_C31_a_record_has_key_value_time_and_headers_and_a_size_limit(cluster, topic):
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "message.max.bytes": 4_000_000})
    producer.produce(topic, b"v", key=b"k", timestamp=1_700_000_000_123, headers=[("h", b"1")], partition=0)
    errors = []
    producer.produce(topic, b"x" * 1_100_000, partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    assert errors[0].code() == KafkaError.MSG_SIZE_TOO_LARGE
    (record,) = take(subscribed(cluster, topic), 1)
    assert (record.key(), record.value(), record.headers()) == (b"k", b"v", [("h", b"1")])
    assert record.timestamp()[1] == 1_700_000_000_123
    larger = fresh("C31")
    cluster.create_topic(larger, max_message_bytes=2_000_000)
    settings = {"message.max.bytes": 4_000_000, "partition": 0}
    assert send(cluster, larger, [b"x" * 1_100_000], **settings) == [(0, 0)]


def test_C32_parts_of_a_large_message_under_one_key_come_in_order(cluster, topic):
    whole = os.urandom(3_000_000)
    parts = [whole[at : at + 900_000] for at in range(0, len(whole), 900_000)]
    send(cluster, topic, parts, key=b"file", acks="all")
    assert b"".join(values(take(subscribed(cluster, topic), len(parts)))) == whole


def test_C33_offsets_are_committed_by_themselves(cluster, topic):
    send(cluster, topic, [b"1", b"2"], partition=0)
    consumer = subscribed(cluster, topic, **{"enable.auto.commit": True, "auto.commit.interval.ms": 100})
    take(consumer, 2)
    place = [TopicPartition(topic, 0)]
    wait_until(lambda: consumer.poll(0.1) or consumer.committed(place, timeout=5)[0].offset == 2, 20, "a commit")
    consumer.close()


def test_C34_offsets_are_committed_when_told(cluster, topic):
    send(cluster, topic, [b"1", b"2"], partition=0)
    done = []
    consumer = subscribed(cluster, topic, on_commit=lambda error, places: done.append((error, places[0].offset)))
    first, second = take(consumer, 2)
    assert consumer.commit(message=first, asynchronous=False)[0].offset == 1
    consumer.commit(message=second, asynchronous=True)
    wait_until(lambda: consumer.poll(0.05) or (None, 2) in done, 10, "the answer to the asynchronous commit")
    consumer.close()


def test_C35_a_consumer_seeks(cluster, topic):
    send(cluster, topic, [str(number) for number in range(10)], partition=0)
    consumer = reader(cluster)
    consumer.assign([TopicPartition(topic, 0, 0)])
    take(consumer, 1)
    consumer.seek(TopicPartition(topic, 0, 7))
    assert values(take(consumer, 1)) == [b"7"]
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (0, 10)
    consumer.seek(TopicPartition(topic, 0, 0))
    assert values(take(consumer, 1)) == [b"0"]


@pytest.mark.parametrize("commits_first", [True, False])
def test_C36_at_most_once_and_at_least_once(cluster, topic, commits_first):
    send(cluster, topic, [b"1", b"2", b"3"], partition=0)
    group, done = fresh("group"), []
    first = subscribed(cluster, topic, group)
    record = take(first, 1)[0]
    if commits_first:
        first.commit(message=record, asynchronous=False)
    else:
        done.append(record.value())
    # It dies between its work and its commit.
    first.close()
    second = subscribed(cluster, topic, group)
    done += values(take(second, 2 if commits_first else 3))
    assert done == ([b"2", b"3"] if commits_first else [b"1", b"1", b"2", b"3"])


def test_C40_partitions_are_added(cluster, topic):
    tool(cluster, "topics", "--alter", "--topic", topic, "--partitions", 5)
    wait_until(lambda: len(cluster.partitions(topic)) == 5, 10, "five partitions")
    assert send(cluster, topic, [b"x"], partition=4) == [(4, 0)]


def test_C42_three_consumers_share_three_partitions(cluster, topic):
    group = fresh("group")
    members = [subscribed(cluster, topic, group) for _ in range(3)]
    assert sorted(spread(members)) == [1, 1, 1]
    send(cluster, topic, [b"0"], partition=0)
    send(cluster, topic, [b"1"], partition=1)
    send(cluster, topic, [b"2"], partition=2)
    assert sorted(values(take(member, 1)[0:1])[0] for member in members) == [b"0", b"1", b"2"]
    for member in members:
        member.close()
