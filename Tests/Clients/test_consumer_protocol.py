"""The consumer group protocol of KIP-848, by librdkafka: joining, static members, expressions, migration, a coordinator
that dies."""

import subprocess
import threading

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from harness import MARTLET, fresh, wait_until
from test_groups import coordinator


def consumer(cluster, group, **extra):
    return Consumer({
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "group.protocol": "consumer", **extra,
    })


def classic(cluster, group, **extra):
    return Consumer({
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 10_000, "heartbeat.interval.ms": 300, **extra,
    })


def write(cluster, topic, values):
    failed = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    for value in values:
        producer.produce(topic, str(value), on_delivery=lambda error, _: error and failed.append(error))
    assert producer.flush(60) == 0
    assert not failed, failed[0]


@pytest.fixture
def admin(cluster):
    return AdminClient({"bootstrap.servers": cluster.bootstrap})


def make_topic(admin, name, partitions):
    admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=3)])[name].result(30)
    wait_until(lambda: name in admin.list_topics(timeout=10).topics, 10, "the topic is known")
    return name


def pace(admin, group, milliseconds=5_000):
    """The least pace that the brokers allow; what a group may have of its own is set and read back."""
    resource = ConfigResource(
        ResourceType.GROUP, group, incremental_configs=[
            ConfigEntry("consumer.heartbeat.interval.ms", str(milliseconds),
                        incremental_operation=AlterConfigOpType.SET)])
    admin.incremental_alter_configs([resource])[resource].result(30)


class Members:
    """Consumers, each polled by a thread of its own."""

    def __init__(self):
        self.clients, self.records, self.stopping = [], [], threading.Event()
        self.threads, self.lock, self.holdings = [], threading.Lock(), {}

    def add(self, client, topics):
        client.subscribe(topics)
        thread = threading.Thread(target=self.poll, args=(client,), daemon=True)
        self.clients.append(client)
        self.threads.append(thread)
        thread.start()
        return client

    def poll(self, client):
        while not self.stopping.is_set() and client in self.clients:
            record = client.poll(0.1)
            # Asked in this thread alone: from another one the question waits for polls, and they for it.
            self.holdings[client] = sorted((p.topic, p.partition) for p in client.assignment())
            if record is not None and record.error() is None:
                with self.lock:
                    self.records.append(record.value().decode())
                client.commit(record, asynchronous=True)

    def remove(self, client):
        thread = self.threads.pop(self.clients.index(client))
        self.clients.remove(client)
        self.holdings.pop(client, None)
        thread.join(30)
        client.close()

    def owned(self):
        return [self.holdings.get(client, []) for client in list(self.clients)]

    def close(self):
        for client in list(self.clients):
            self.remove(client)


@pytest.fixture
def members():
    members = Members()
    yield members
    members.close()


def is_shared(members, count):
    """Every partition has one owner, and nobody has two more than another."""
    owned = members.owned()
    all_owned = [partition for one in owned for partition in one]
    sizes = [len(one) for one in owned]
    return len(all_owned) == count == len(set(all_owned)) and max(sizes) - min(sizes) <= 1


def test_members_share_a_topic_and_pass_it_on(cluster, admin, members):
    topic, group = make_topic(admin, fresh("kip848"), 6), fresh("g")
    write(cluster, topic, range(300))
    first = members.add(consumer(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 6), 30, "the first one has all")
    members.add(consumer(cluster, group), [topic])
    members.add(consumer(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 6), 60, "three share six partitions")
    wait_until(lambda: len(set(members.records)) == 300, 60, "all is read")
    members.remove(first)
    wait_until(lambda: is_shared(members, 6), 60, "two take over")
    write(cluster, topic, range(300, 400))
    wait_until(lambda: len(set(members.records)) == 400, 60, "reading goes on")
    described = admin.describe_consumer_groups([group])[group].result(30)
    assert described.type.name == "CONSUMER" and described.state.name == "STABLE"
    assert len(described.members) == 2


def test_a_static_member_comes_back_to_its_partitions(cluster, admin, members):
    topic, group = make_topic(admin, fresh("static"), 4), fresh("g")
    one = members.add(consumer(cluster, group, **{"group.instance.id": "one"}), [topic])
    members.add(consumer(cluster, group, **{"group.instance.id": "two"}), [topic])
    wait_until(lambda: is_shared(members, 4), 60, "two share four partitions")
    before = members.owned()
    members.remove(one)
    members.add(consumer(cluster, group, **{"group.instance.id": "one"}), [topic])
    wait_until(lambda: sorted(members.owned()) == sorted(before), 30, "nobody has moved")


def test_an_expression_is_evaluated_by_the_server(cluster, admin, members):
    prefix, group = fresh("regex"), fresh("g")
    for index in range(3):
        make_topic(admin, f"{prefix}-{index}", 2)
    make_topic(admin, f"other-{prefix}", 2)
    members.add(consumer(cluster, group), [f"^{prefix}-[01]"])
    expected = [[(f"{prefix}-{topic}", partition) for topic in (0, 1) for partition in (0, 1)]]
    wait_until(lambda: members.owned() == expected, 30, "the topics that match are assigned")


def test_a_classic_group_becomes_a_consumer_group_and_back_while_it_works(cluster, admin, members):
    topic, group = make_topic(admin, fresh("migrate"), 4), fresh("g")
    write(cluster, topic, range(100))
    old = members.add(classic(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 4), 30, "the classic member has all")
    new = members.add(consumer(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 4), 60, "a classic and a new member share")
    assert admin.describe_consumer_groups([group])[group].result(30).type.name == "CONSUMER"
    members.remove(new)
    wait_until(lambda: is_shared(members, 4), 60, "the classic member has all again")
    wait_until(
        lambda: admin.describe_consumer_groups([group])[group].result(30).type.name == "CLASSIC", 30, "it is classic")
    write(cluster, topic, range(100, 150))
    wait_until(lambda: len(set(members.records)) == 150, 60, "all is read")
    assert old in members.clients


def test_a_group_lives_on_when_its_coordinator_is_killed(own_cluster, members):
    cluster = own_cluster
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    topic, group = make_topic(admin, fresh("killed"), 6), fresh("g")
    members.add(consumer(cluster, group), [topic])
    members.add(consumer(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 6), 60, "two share six partitions")
    victim = coordinator(cluster, group)
    cluster.kill(victim)
    write(cluster, topic, range(200))
    wait_until(lambda: len(set(members.records)) == 200, 60, "reading goes on")
    members.add(consumer(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 6), 60, "a third one joins at the new coordinator")
    cluster.start(victim)
    write(cluster, topic, range(200, 300))
    wait_until(lambda: len(set(members.records)) == 300, 60, "reading goes on")


def test_a_group_has_settings_of_its_own_within_bounds(cluster, admin):
    group = fresh("g")
    pace(admin, group, 7_000)
    resource = ConfigResource(ResourceType.GROUP, group)
    wait_until(
        lambda: admin.describe_configs([resource])[resource].result(30)["consumer.heartbeat.interval.ms"].value
        == "7000", 10, "the setting is told")
    with pytest.raises(KafkaException, match="greater than or equal to group.consumer.min.heartbeat.interval.ms"):
        pace(admin, group, 100)


def test_the_tools_tell_of_a_consumer_group(cluster, admin, members):
    topic, group = make_topic(admin, fresh("tools"), 2), fresh("g")
    members.add(consumer(cluster, group), [topic])
    wait_until(lambda: is_shared(members, 2), 30, "the member has all")

    def told(*arguments):
        return subprocess.run(
            [MARTLET, "consumer-groups", "--bootstrap-server", cluster.bootstrap, *arguments],
            capture_output=True, text=True, timeout=60, check=True).stdout

    state = told("--describe", "--group", group, "--state", "--verbose").split("\n")
    assert state[1].split()[-4:] == ["STATE", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH", "#MEMBERS"]
    row = state[2].split()
    assert row[-5:] == ["uniform", "Stable", "1", "1", "1"]
    rows = told("--describe", "--group", group, "--members", "--verbose").split("\n")[2].split()
    assert rows[-4:] == ["1", f"{topic}:0,1", "1", f"{topic}:0,1"]
    listed = [line.split() for line in told("--list", "--type", "consumer", "--state").splitlines()]
    assert [group, "Consumer", "Stable"] in listed
