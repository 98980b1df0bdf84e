"""The image by itself: started bare, by variables, by arguments, and as Testcontainers starts it."""

import re
import tempfile
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from engine import IMAGE, READY, Container, engine, fresh, run, wait_until, ENGINE
from test_compose import free_ports


@pytest.fixture
def start():
    """Starts containers that are removed at the end."""
    made = []

    def start(*words, flags=()):
        container = Container(fresh("image"))
        made.append(container)
        engine("run", "-d", "--name", container.name, *flags, IMAGE, *words)
        return container

    yield start
    for container in made:
        container.remove()


def exit_code(container):
    wait_until(lambda: container.state("Status") == "exited", 20, "the container has ended")
    return int(container.state("ExitCode"))


def test_without_anything_it_is_one_node_for_user_1000(start):
    node = start()
    node.wait_log(READY, 30)
    node.wait_healthy()
    assert re.search(r"Kafka.*Server.*started", node.log)
    assert "Setting it to default value: \"5L6g3nShT-eMCtK--X86sw\"" in node.log
    assert node.exec("id", "-u").stdout == "1000\n"
    node.exec("/opt/kafka/bin/kafka-topics.sh", "--bootstrap-server", "localhost:9092", "--create", "--topic", "t")
    assert node.exec("kafka-topics", "--bootstrap-server", "localhost:9092", "--list").stdout == "t\n"
    assert "log.dirs=/var/lib/kafka/data\n" in node.exec("cat", "/opt/kafka/config/server.properties").stdout
    engine("stop", "-t", "20", node.name)
    assert int(node.state("ExitCode")) in (0, 143)


def test_arguments_and_variables_configure_it(start):
    node = start("KAFKA_NODE_ID=7", flags=["-e", "KAFKA_CFG_NUM_PARTITIONS=4", "-e", "KAFKA_HEAP_OPTS=-Xmx1g"])
    node.wait_log(READY, 30)
    assert "[BrokerLifecycleManager id=7]" in node.log and "ignored: KAFKA_HEAP_OPTS" in node.log
    node.exec("kafka-topics", "--bootstrap-server", "localhost:9092", "--create", "--topic", "t")
    described = node.exec("kafka-topics", "--bootstrap-server", "localhost:9092", "--describe", "--topic", "t").stdout
    assert "PartitionCount: 4\t" in described


def test_a_mounted_file_comes_first_and_variables_override_it(start):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "server.properties").write_text(
            "process.roles=broker,controller\nnode.id=5\nnum.partitions=2\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
            "controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=localhost:9093\n"
        )
        node = start(flags=["-v", f"{folder}:/mnt/shared/config:ro", "-e", "KAFKA_NUM_PARTITIONS=3"])
        node.wait_log(READY, 30)
        text = node.exec("cat", "/opt/kafka/config/server.properties").stdout
    assert "node.id=5\n" in text and "num.partitions=3\n" in text


def test_what_cannot_work_is_refused_with_what_to_do(start):
    bad = start(flags=["-e", "KAFKA_PROCESS_ROLES=controller", "-e", "KAFKA_ADVERTISED_LISTENERS=A://h:1"])
    assert exit_code(bad) == 1 and "is not supported on a KRaft controller" in bad.log
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        rooted = start(flags=["-v", f"{folder}:/var/lib/kafka/data"])
        assert exit_code(rooted) == 1 and "chown -R 1000" in rooted.log


def test_data_of_another_cluster_is_refused_with_both_ids(start):
    volume = fresh("volume")
    try:
        keep = ["-v", f"{volume}:/var/lib/kafka/data"]
        first = start(flags=[*keep, "-e", "CLUSTER_ID=MkU3OEVBNTcwNTJENDM2Qk"])
        first.wait_log(READY, 30)
        assert "the data is lost" not in first.log
        first.remove()
        again = start(flags=keep)
        again.wait_log(READY, 30)
        again.remove()
        other = start(flags=[*keep, "-e", "CLUSTER_ID=4L6g3nShT-eMCtK--X86sw"])
        assert exit_code(other) == 1
        for part in ("MkU3OEVBNTcwNTJENDM2Qk", "4L6g3nShT-eMCtK--X86sw", "/var/lib/kafka/data"):
            assert part in other.log
    finally:
        for container in (first, again, other):
            container.remove()
        run([ENGINE, "volume", "rm", "-f", volume], check=False)


TESTCONTAINERS = {
    "CLUSTER_ID": "4L6g3nShT-eMCtK--X86sw", "KAFKA_LISTENERS": "PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER", "KAFKA_PROCESS_ROLES": "broker,controller", "KAFKA_NODE_ID": "1",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER", "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1", "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1", "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES": "9223372036854775807",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
}
WAIT = "while [ ! -f /tmp/testcontainers_start.sh ]; do sleep 0.1; done; /tmp/testcontainers_start.sh"


@pytest.mark.parametrize("image", ["kafka", "confluent"])
@pytest.mark.parametrize("replaces_entrypoint", [False, True])
def test_the_testcontainers_contract(start, image, replaces_entrypoint):
    (port,) = free_ports(1)
    flags = ["-p", f"127.0.0.1:{port}:9092"]
    for name, value in TESTCONTAINERS.items():
        flags += ["-e", f"{name}={value}"]
    if image == "confluent":
        flags += ["-e", "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9094"]
    node = start("-c", WAIT, flags=[*flags, "--entrypoint", "sh"]) if replaces_entrypoint else start(
        "sh", "-c", WAIT, flags=flags)
    script = (
        "#!/bin/bash\n"
        f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:{port},BROKER://$(hostname):9093\n"
        f"/etc/{image}/docker/run\n"
    )
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(script)
        file.flush()
        Path(file.name).chmod(0o777)
        engine("cp", file.name, f"{node.name}:/tmp/testcontainers_start.sh")
    wait_until(lambda: re.search(".*Transitioning from RECOVERY to RUNNING.*", node.log), 60, "the line they wait for")
    admin = AdminClient({"bootstrap.servers": f"localhost:{port}"})
    assert [broker.port for broker in admin.list_topics(timeout=20).brokers.values()] == [port]
    producer = Producer({"bootstrap.servers": f"localhost:{port}", "acks": "all"})
    answers = []
    producer.produce("t", b"value", on_delivery=lambda error, _: answers.append(error))
    producer.flush(20)
    assert answers == [None]
