"""docker/compose.yaml under load from this host: nodes killed, paused and cut off, a partition moved, nothing lost."""

import pytest
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient
from kafka.structs import TopicPartition as Partition

from engine import ROOT, NetworkClient, Project, engine, freeze, fresh, is_free, pause, wait_until
from steady_stream import SteadyStream, check, read_all


def free_ports(count):
    """Ports of this host that nobody has, below those that the kernel gives away."""
    ports = []
    for port in range(20_690, 21_900):
        if is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free ports")


@pytest.fixture(scope="module")
def project():
    ports = {f"MARTLET_PORT_{number}": str(port) for number, port in enumerate(free_ports(3), 1)}
    project = Project(ROOT / "docker/compose.yaml", **ports)
    project.bootstrap = ",".join(f"localhost:{port}" for port in ports.values())
    try:
        yield project.up()
    finally:
        project.down()


@pytest.fixture(scope="module")
def inside(project):
    client = NetworkClient(project.network)
    yield client
    client.remove()


@pytest.fixture
def loaded(project):
    """A topic under a steady stream from this host; at the end everything acknowledged must be there."""
    topic = fresh("load")
    project.container("kafka1").exec(
        "kafka-topics", "--bootstrap-server", "kafka1:9092", "--create", "--topic", topic, "--partitions", "3",
        "--replication-factor", "3",
    )
    project.wait_in_sync(topic)
    # A published port goes on answering for a node that is cut off: only this time-out ends the connections to it.
    with SteadyStream(project.bootstrap, topic, 3, rate=300, **{"socket.timeout.ms": 5_000}) as stream:
        pause(1)
        yield topic
        pause(1)
    project.wait_in_sync(topic, by=2)
    assert not stream.failed and not stream.unanswered
    found = read_all(project.bootstrap, topic, 3)
    assert check(stream, found) == []
    assert sum(len(records) for records in found.values()) == sum(stream.sent.values())


def others_lead(project, topic, node, by):
    partitions = project.partitions(topic, by)
    return partitions and all(leader not in (None, node) and node not in isr for leader, _, isr in partitions.values())


def test_a_client_on_the_host_reaches_every_broker(project):
    admin = AdminClient({"bootstrap.servers": project.bootstrap.split(",")[0]})
    brokers = admin.list_topics(timeout=20).brokers.values()
    assert ",".join(sorted(f"{broker.host}:{broker.port}" for broker in brokers)) == project.bootstrap


def test_a_client_inside_the_network_is_told_the_inside_names(project, inside):
    listed = inside.kcat("-b", "kafka3:9092", "-L")
    assert all(f"broker {number} at kafka{number}:9092" in listed for number in (1, 2, 3))


def test_health_and_metrics_are_there_for_other_containers(project):
    """By KAFKA_ADMIN_LISTENER; it is not published to the host."""
    asked = "GET /readyz HTTP/1.0\r\n\r\n"
    wait_until(
        lambda: " 200 " in project.container("kafka2").exec("nc", "-w", "5", "kafka1", "9644", stdin=asked).stdout, 30,
        "kafka1 tells kafka2 that it is ready",
    )
    asked = "GET /metrics HTTP/1.0\r\n\r\n"
    page = project.container("kafka2").exec("nc", "-w", "5", "kafka3", "9644", stdin=asked).stdout
    assert "kafka_server_replicamanager_partitioncount" in page


def test_nothing_is_lost_when_a_node_is_killed(project, loaded):
    victim = project.container("kafka2")
    victim.kill()
    wait_until(lambda: others_lead(project, loaded, 2, by=1), 30, "the others lead without the dead node")
    pause(2)
    victim.start()
    project.wait_in_sync(loaded)


def test_nothing_is_lost_when_a_node_is_paused(project, loaded):
    victim = project.container("kafka3")
    freeze(victim.name)
    try:
        wait_until(lambda: others_lead(project, loaded, 3, by=1), 40, "the others lead without the frozen node")
        pause(2)
    finally:
        engine("unpause", victim.name)
    project.wait_in_sync(loaded)


def test_nothing_is_lost_when_a_node_is_cut_off(project, loaded):
    victim, network = project.container("kafka1"), project.network
    engine("network", "disconnect", network, victim.name)
    try:
        wait_until(lambda: others_lead(project, loaded, 1, by=2), 40, "the others lead without the lost node")
        pause(2)
    finally:
        engine("network", "connect", "--alias", "kafka1", network, victim.name)
    project.wait_in_sync(loaded, by=2)


def test_nothing_is_lost_when_a_node_is_stopped_in_order(project, loaded):
    victim = project.container("kafka2")
    engine("stop", "-t", "30", victim.name)
    assert int(victim.state("ExitCode")) in (0, 143)
    victim.start()
    project.wait_in_sync(loaded)


def test_nothing_is_lost_when_a_partition_moves(project, loaded):
    admin = KafkaAdminClient(bootstrap_servers=project.bootstrap.split(","))
    target = [3, 1]
    try:
        errors = admin.alter_partition_reassignments({Partition(loaded, 0): target})
        assert not any(errors.values()), errors
        wait_until(lambda: project.partitions(loaded)[0][1] == target, 60, "the partition has moved")
    finally:
        admin.close()


def test_the_file_is_valid_for_the_engine(project):
    assert "kafka3" in project.compose("config")
