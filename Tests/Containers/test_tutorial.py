"""The compose file of a tutorial for Kafka, unchanged but for its image: rows D1 to D13, each by its id."""

import re
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource

from engine import IMAGE, NetworkClient, Project, edited, is_free, wait_until

FILE = Path(__file__).with_name("tutorial.yaml")
SERVICES = ("kafka1", "kafka2", "kafka3")


def with_our_image(text):
    return text.replace("confluentinc/cp-kafka:7.6.0", IMAGE)


def on_free_ports(text):
    """The published ports moved where another program has them; where they are free nothing is changed."""
    for port in (9092, 9093, 9094):
        if not is_free(port):
            text = text.replace(f'"{port}:9092"', f'"{port + 11_000}:9092"')
    return text


def started(edit=lambda text: text):
    file = edited(FILE, lambda text: edit(on_free_ports(with_our_image(text))))
    project = Project(file, is_copy=True)
    try:
        return project.up()
    except BaseException:
        project.down()
        raise


@pytest.fixture(scope="module")
def tutorial():
    project = started()
    yield project
    project.down()


@pytest.fixture(scope="module")
def inside(tutorial):
    client = NetworkClient(tutorial.network)
    yield client
    client.remove()


def tool(project, name, *arguments, by="kafka1", **keywords):
    """A tool under Kafka's name, as `docker exec kafka1 …` runs it."""
    return project.container(by).exec(name, "--bootstrap-server", f"{by}:9092", *arguments, **keywords)


def test_D01_the_file_runs_and_the_commands_of_the_tutorial_too(tutorial):
    status = tool(tutorial, "kafka-metadata-quorum", "describe", "--status").stdout
    assert re.search(r"LeaderId:\s+[123]\b", status)
    created = tool(
        tutorial, "kafka-topics", "--create", "--topic", "orders", "--partitions", "6", "--replication-factor", "3"
    )
    assert created.stdout == "Created topic orders.\n"
    again = tool(tutorial, "kafka-topics", "--create", "--topic", "orders", check=False)
    assert again.returncode == 1 and "already exists" in again.stdout
    tutorial.wait_in_sync("orders")
    partitions = tutorial.partitions("orders")
    assert [partitions[number][1] for number in range(3)] == [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    assert tool(tutorial, "kafka-topics", "--list").stdout == "orders\n"
    order = '{"order_id": 1, "amount": 29.99}'
    produced = tool(tutorial, "kafka-console-producer", "--topic", "orders", stdin=order + "\n")
    assert produced.stdout == ""
    read = tool(
        tutorial, "kafka-console-consumer", "--topic", "orders", "--from-beginning", "--max-messages", "1",
        "--timeout-ms", "20000",
    )
    assert read.stdout == order + "\n" and "Processed a total of 1 messages" in read.stderr


@pytest.mark.parametrize("name", ["kafka-topics", "kafka-topics.sh", "/opt/kafka/bin/kafka-topics.sh"])
def test_K6_the_tools_have_all_their_names(tutorial, name):
    listed = tutorial.container("kafka2").exec(name, "--list", "--bootstrap-server", "kafka1:9092").stdout
    assert "orders" in listed.split()


def test_D02_what_is_advertised_is_what_is_listened_at(inside):
    listed = inside.kcat("-b", "kafka2:9092", "-L")
    assert all(f"broker {number} at kafka{number}:9092" in listed for number in (1, 2, 3))


def test_D03_from_the_host_the_names_are_foreign_and_each_log_says_once_what_to_add(tutorial):
    admin = AdminClient({"bootstrap.servers": f"localhost:{tutorial.container('kafka1').host_port(9092)}"})
    brokers = admin.list_topics(timeout=20).brokers
    assert {broker.host for broker in brokers.values()} == set(SERVICES)
    for node in tutorial.nodes.values():
        assert node.log.count("KAFKA_OUTSIDE_ADVERTISED_ADDRESS: localhost:9092") == 1


def test_D04_the_controller_listener_needs_no_security_protocol(tutorial):
    replication = tool(tutorial, "kafka-metadata-quorum", "describe", "--replication").stdout
    assert len(re.findall(r"\b(Leader|Follower)\b", replication)) == 3


def test_D05_brokers_use_the_plaintext_listener_among_themselves(tutorial):
    assert all(sorted(isr) == [1, 2, 3] for _, _, isr in tutorial.partitions("orders", by=3).values())


def test_D06_a_listener_at_a_name_answers_there_only_and_the_log_says_so(tutorial):
    node = tutorial.container("kafka1")
    assert node.exec("nc", "-z", "kafka1", "9092", check=False).returncode == 0
    assert node.exec("nc", "-z", "localhost", "9092", check=False).returncode != 0
    assert node.log.count("listener PLAINTEXT answers at kafka1 only") == 1


def test_D07_the_cluster_id_is_taken_verbatim_and_the_storage_formatted_in_place(tutorial):
    for node in tutorial.nodes.values():
        properties = node.exec("cat", "/var/lib/kafka/data/meta.properties").stdout
        assert "cluster.id=MkU3OEVBNTcwNTJENDM2Qk\n" in properties


def test_D08_settings_that_only_one_node_has_are_pointed_out_with_both_values(tutorial):
    logs = "".join(node.log for node in tutorial.nodes.values())
    for key, on_the_first, on_the_others in (
        ("num.partitions", 6, 1), ("default.replication.factor", 3, 1), ("min.insync.replicas", 2, 1)
    ):
        told = [line for line in logs.splitlines() if "nodes are configured differently" in line and f"key={key}" in line]
        assert any(f"{on_the_first} on 1; {on_the_others} on 2,3" in line for line in told), (key, told)


def test_D09_data_without_a_volume_of_its_own_is_pointed_out_once(tutorial):
    for node in tutorial.nodes.values():
        assert node.log.count("the data is lost with the container") == 1


def test_D10_the_obsolete_version_key_is_there_and_harmless(tutorial):
    assert "version: '3.8'" in Path(tutorial.file).read_text()


def test_D11_internal_topics_fit_three_nodes(tutorial):
    tool(
        tutorial, "kafka-console-consumer", "--topic", "orders", "--from-beginning", "--max-messages", "1", "--group",
        "d11", "--timeout-ms", "20000",
    )
    header = tool(tutorial, "kafka-topics", "--describe", "--topic", "__consumer_offsets").stdout.splitlines()[0]
    assert "PartitionCount: 50\tReplicationFactor: 3\t" in header


def test_D12_a_killed_node_costs_nothing_that_was_acknowledged(tutorial, inside):
    tool(tutorial, "kafka-topics", "--create", "--topic", "load", "--partitions", "3", "--replication-factor", "3")
    tutorial.wait_in_sync("load")
    # A line each 10 ms until told to stop; kcat ends with 0 only when every line was acknowledged.
    inside.container.exec(
        "sh", "-c",
        "rm -f /tmp/stop /tmp/sent /tmp/code; "
        "(i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i; echo $i >>/tmp/sent; sleep 0.01; done | "
        "kcat -P -b kafka1:9092,kafka3:9092 -t load -X acks=all -X enable.idempotence=true -X linger.ms=0 "
        "-X message.timeout.ms=60000; echo $? >/tmp/code) >/dev/null 2>&1 &",
    )
    wait_until(lambda: inside.kcat("-Q", "-b", "kafka1:9092", "-t", "load:0:-1"), 20, "the topic can be asked")
    victim = tutorial.container("kafka2")
    victim.kill()
    wait_until(
        lambda: all(leader not in (None, 2) and 2 not in isr for leader, _, isr in tutorial.partitions("load").values()),
        30, "the others lead, and the ISR is without the dead node",
    )
    victim.start()
    tutorial.wait_in_sync("load")
    inside.container.exec("touch", "/tmp/stop")
    wait_until(lambda: inside.container.exec("cat", "/tmp/code", check=False).stdout, 60, "kcat has ended")
    assert inside.container.exec("cat", "/tmp/code").stdout == "0\n"
    sent = inside.container.exec("cat", "/tmp/sent").stdout.split()
    read = inside.kcat("-C", "-b", "kafka3:9092", "-t", "load", "-e", "-q").split()
    assert sorted(map(int, read)) == sorted(map(int, sent)) and len(sent) > 100


@pytest.fixture(scope="module")
def opened():
    """The same file with the one line that the log names."""

    def with_the_line(text):
        for number, port in enumerate(re.findall(r'"(\d+):9092"', text), 1):
            line = f"      KAFKA_OUTSIDE_ADVERTISED_ADDRESS: localhost:{port}\n"
            text = text.replace(f"      KAFKA_NODE_ID: {number}\n", f"      KAFKA_NODE_ID: {number}\n{line}")
        return text

    project = started(with_the_line)
    yield project
    project.down()


def test_D03_the_line_that_the_log_names_lets_clients_of_the_host_in(opened):
    ports = [node.host_port(9092) for node in opened.nodes.values()]
    admin = AdminClient({"bootstrap.servers": f"localhost:{ports[0]}"})
    wait_until(lambda: len(admin.list_topics(timeout=10).brokers) == 3, 30, "three brokers are named")
    brokers = admin.list_topics(timeout=10).brokers.values()
    assert sorted(f"{broker.host}:{broker.port}" for broker in brokers) == sorted(f"localhost:{port}" for port in ports)
    client = NetworkClient(opened.network)
    try:
        assert "broker 3 at kafka3:9092" in client.kcat("-b", "kafka1:9092", "-L")
    finally:
        client.remove()
    for node in opened.nodes.values():
        assert "KAFKA_OUTSIDE_ADVERTISED_ADDRESS: localhost" not in node.log


def test_D13_the_settings_of_the_file_are_the_brokers_own(opened):
    admin = AdminClient({"bootstrap.servers": f"localhost:{opened.container('kafka1').host_port(9092)}"})
    broker = ConfigResource(ConfigResource.Type.BROKER, "1")
    entries = admin.describe_configs([broker])[broker].result(20)
    for name, value in {"log.retention.hours": "168", "log.segment.bytes": "1073741824"}.items():
        assert (entries[name].value, entries[name].source) == (value, ConfigSource.STATIC_BROKER_CONFIG.value)
