"""What an operator sees: metrics, health, readiness, log levels and log lines of real node processes."""

import http.client
import json
import re
import subprocess
import time

import pytest
from confluent_kafka import Consumer, Producer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from harness import MARTLET, Cluster, fresh, wait_until
from prometheus_text import ROOT, Page, promtool

LISTENER = "PLAINTEXT"


def ask(cluster, node, path, method="GET", body=None):
    """(status, text) of the node's admin port."""
    connection = http.client.HTTPConnection("127.0.0.1", cluster.admin_port(node), timeout=15)
    try:
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def page(cluster, node):
    status, text = ask(cluster, node, "/metrics")
    assert status == 200
    return Page(text)


def over_all(cluster, name, nodes=None, **labels):
    return sum(page(cluster, node).sum(name, **labels) for node in nodes or cluster.nodes)


def produce(cluster, topic, count, size=100):
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "linger.ms": 5})
    for number in range(count):
        producer.produce(topic, value=b"x" * size, key=str(number))
    assert producer.flush(60) == 0


def consume(cluster, topic, count, group, client="operator"):
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "client.id": client, "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    got = 0
    end = time.monotonic() + 60
    while got < count and time.monotonic() < end:
        message = consumer.poll(1)
        if message and not message.error():
            got += 1
    assert got == count
    consumer.commit(asynchronous=False)
    consumer.close()


def test_every_page_is_what_prometheus_reads(cluster):
    topic = fresh("pages")
    cluster.create_topic(topic, partitions=3)
    produce(cluster, topic, 100)
    consume(cluster, topic, 100, fresh("group"))
    for node in cluster.nodes:
        status, text = ask(cluster, node, "/metrics")
        assert status == 200
        read = Page(text)
        assert read.value("martlet_metrics_series_left_out") is None
        assert read.value("process_resident_memory_bytes") > 1e6
        assert read.value("process_open_fds") > 5
        assert read.sum("martlet_build_info") == 1
        checked = promtool("check", "metrics", stdin=text)
        if checked:
            # 3 is a remark on style: Kafka's names are what dashboards look for.
            assert checked.returncode in (0, 3), checked.stderr
            assert "error" not in checked.stderr.split("\n")[0]


def test_the_rules_that_are_shipped_are_what_prometheus_reads():
    for arguments in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts-test.yml")):
        done = promtool(*arguments[:2], ROOT / "deploy/prometheus" / arguments[2])
        assert done is None or done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_the_rules_is_one_that_nodes_tell(cluster):
    names = set(re.findall(r"\b(?:kafka|martlet)_[a-z_]+\b", (ROOT / "deploy/prometheus/alerts.yml").read_text()))
    topic = fresh("rules")
    cluster.create_topic(topic)
    produce(cluster, topic, 10)
    consume(cluster, topic, 10, fresh("group"))
    told = set()
    for node in cluster.nodes:
        read = page(cluster, node)
        told |= set(read.samples) | set(read.types)
    assert names - told == set()


def test_counters_move_with_the_traffic(cluster):
    topic, group = fresh("counted"), fresh("group")
    cluster.create_topic(topic, partitions=3)
    produce(cluster, topic, 300)
    consume(cluster, topic, 300, group)
    produce(cluster, topic, 50)
    prefix = "kafka_server_brokertopicmetrics_"
    assert over_all(cluster, prefix + "messagesin_total", topic=topic) == 350
    bytes_in = over_all(cluster, prefix + "bytesin_total", topic=topic)
    assert bytes_in > 350 * 100
    assert over_all(cluster, prefix + "bytesout_total", topic=topic) > 300 * 100
    # Each of two followers fetched what was written.
    replicated = lambda: over_all(cluster, prefix + "replicationbytesin_total", topic=topic)
    wait_until(lambda: replicated() == 2 * bytes_in, 10, "the followers have all")
    read = [page(cluster, node) for node in cluster.nodes]
    assert sum(one.sum("kafka_network_requestmetrics_requests_total", request="Produce") for one in read) > 0
    assert sum(one.sum("martlet_log_flush_duration_seconds_count") for one in read) > 0
    ends = [one.sum("kafka_log_log_logendoffset", topic=topic) for one in read]
    assert ends == [350, 350, 350]
    assert sum(one.sum("martlet_group_committed_offset", group=group, topic=topic) for one in read) == 300
    # The coordinator may follow only: it hears of the high watermark with its next fetch.
    lag = lambda: over_all(cluster, "martlet_group_lag_records", group=group, topic=topic)
    wait_until(lambda: lag() == 50, 10, "the group lags by what came after it")


def test_one_node_decides_and_all_know_the_quorum(cluster):
    read = [page(cluster, node) for node in cluster.nodes]
    active = [one.value("kafka_controller_kafkacontroller_activecontrollercount") for one in read]
    assert sorted(active) == [0, 0, 1]
    leader = active.index(1) + 1
    assert leader == cluster.active_controller()
    assert {one.value("kafka_server_raftmetrics_current_leader") for one in read} == {leader}
    states = [next(iter(one.samples["kafka_server_raftmetrics_current_state"]))[0][1] for one in read]
    assert sorted(states) == ["follower", "follower", "leader"]


def test_a_killed_broker_shows_in_the_metrics_of_the_others_and_is_gone_from_them_again(own_cluster):
    cluster = own_cluster
    topic = fresh("hurt")
    cluster.create_topic(topic, partitions=6)
    produce(cluster, topic, 100)
    victim = next(node for node in cluster.nodes if node != cluster.active_controller())
    left = [node for node in cluster.nodes if node != victim]
    under = "kafka_server_replicamanager_underreplicatedpartitions"
    fenced = "kafka_controller_kafkacontroller_fencedbrokercount"
    assert over_all(cluster, under) == 0
    elections = over_all(cluster, "kafka_controller_controllerstats_leaderelection_total", left)
    cluster.kill(victim)
    wait_until(lambda: page(cluster, left[0]).value(fenced) == 1, 10, "the victim is counted as fenced")
    wait_until(lambda: over_all(cluster, under, left) >= 6, 10, "partitions are counted as under-replicated")
    assert page(cluster, left[0]).value("kafka_controller_kafkacontroller_offlinepartitionscount") == 0
    assert over_all(cluster, "kafka_controller_controllerstats_leaderelection_total", left) > elections
    assert over_all(cluster, "kafka_server_replicamanager_isrshrinks_total", left) >= 1
    produce(cluster, topic, 100)
    log = "\n".join(cluster.logs(node, 400) for node in left)
    assert "broker fenced: its process is gone" in log
    assert "leader elected" in log and f'because="broker {victim} is fenced"' in log
    assert "ISR shrunk" in log
    cluster.start(victim)
    cluster.wait_in_sync(topic)
    wait_until(lambda: over_all(cluster, under) == 0, 20, "all is replicated again")
    assert page(cluster, left[0]).value(fenced) == 0
    log = "\n".join(cluster.logs(node, 400) for node in left)
    assert "ISR expanded" in log
    assert "broker let in" in log and "fencedForMilliseconds=" in log


def test_a_node_is_ready_only_while_it_can_serve(own_cluster):
    cluster = own_cluster
    for node in cluster.nodes:
        assert ask(cluster, node, "/healthz") == (200, "ok\n")
        assert ask(cluster, node, "/readyz") == (200, "ready\n")
    cluster.kill(1)
    cluster.kill(2)
    status, text = wait_until(
        lambda: (answer := ask(cluster, 3, "/readyz"))[0] == 503 and answer, 15, "one of three is not ready"
    )
    assert "no leader of the metadata quorum is known" in text
    assert ask(cluster, 3, "/healthz") == (200, "ok\n")
    cluster.start(1)
    cluster.start(2)
    for node in cluster.nodes:
        wait_until(lambda: ask(cluster, node, "/readyz") == (200, "ready\n"), 20, f"node {node} is ready again")


def test_a_level_that_is_changed_while_the_node_runs_shows_in_its_log(cluster):
    topic, client = fresh("levels"), "evil\nclient\x1b[2J"
    cluster.create_topic(topic)
    produce(cluster, topic, 5)
    assert "request answered" not in cluster.logs(1, 10_000)
    logger = "/loggers/kafka.request.logger"
    try:
        for node in cluster.nodes:
            assert ask(cluster, node, logger, "PUT", "DEBUG") == (200, "DEBUG\n")
        consume(cluster, topic, 5, fresh("group"), client=client)
    finally:
        for node in cluster.nodes:
            assert ask(cluster, node, logger, "PUT", "") == (200, "INFO\n")
    lines = [line for node in cluster.nodes for line in cluster.logs(node, 10_000).splitlines()]
    assert any("log level changed" in line and "kafka.request.logger" in line for line in lines)
    answered = [line for line in lines if "request answered" in line]
    assert any("api=Fetch" in line for line in answered)
    # What the client calls itself stays on its line, and steers no terminal.
    named = [line for line in answered if "evil" in line]
    assert named and all('client="evil\\u000aclient\\u001b[2J"' in line for line in named)
    before = len(answered)
    produce(cluster, topic, 5)
    lines = [line for node in cluster.nodes for line in cluster.logs(node, 10_000).splitlines()]
    assert len([line for line in lines if "request answered" in line]) == before


def test_kafka_clients_read_and_change_levels_of_one_node(cluster):
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    name = "kafka.coordinator.group.GroupCoordinator"

    def resource(node, changes=None):
        return ConfigResource(ConfigResourceType.BROKER_LOGGER, str(node), changes)

    def levels(node):
        told = admin.describe_configs([resource(node)], config_filter="all")
        return {logger: config["value"] for logger, config in told["broker_logger"][str(node)].items()}

    try:
        assert levels(2)[name] == "INFO" and "root" in levels(2)
        admin.alter_configs([resource(2, {name: ("SET", "TRACE")})])
        assert levels(2)[name] == "TRACE"
        assert levels(1)[name] == "INFO"
        assert ask(cluster, 2, "/loggers/" + name) == (200, "TRACE\n")
        admin.alter_configs([resource(2, {name: ("DELETE", None)})])
        assert levels(2)[name] == "INFO"
    finally:
        ask(cluster, 2, "/loggers/" + name, "PUT", "")
        admin.close()


def test_a_log_in_json_has_one_object_a_line():
    cluster = Cluster(nodes=1, overrides=["log.format=json", "log.level=debug", "log.levels=kafka.raft=WARN"])
    try:
        cluster.up()
        cluster.create_topic(fresh("json"), factor=1)
        lines = [line for line in cluster.logs(1, 10_000).splitlines() if line]
        records = [json.loads(line) for line in lines]
        assert all({"time", "level", "logger", "message"} <= set(record) for record in records)
        assert all(record["time"].endswith("Z") for record in records)
        assert any("Kafka Server started" in record["message"] for record in records)
        assert not any(
            record["logger"].startswith("kafka.raft") and record["level"] in ("INFO", "DEBUG") for record in records
        )
    finally:
        cluster.destroy()


@pytest.mark.parametrize(
    "line", ["log.level=loud", "log.levels=kafka.controller", "admin.listener=9644", "admin.listener=here:port"]
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(line):
    done = subprocess.run([MARTLET, "server", "--override", line], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert line.split("=")[0] in done.stderr
