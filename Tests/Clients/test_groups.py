"""Consumer groups where it hurts: coordinators that die, members that come back, commits that must not be lost."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from confluent_kafka import (
    Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition,
)
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as PythonPartition

from harness import fresh, wait_until

OFFSETS_TOPIC = "__consumer_offsets"


def consumer(cluster, group, **extra):
    settings = {
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 10_000, "heartbeat.interval.ms": 300, **extra,
    }
    return Consumer(settings)


def write(cluster, topic, count, start=0):
    failed = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "enable.idempotence": True})
    for number in range(start, start + count):
        producer.produce(topic, str(number), on_delivery=lambda error, _: error and failed.append(error))
    assert producer.flush(60) == 0
    assert not failed, failed[0]


def java_hash(text):
    value = 0
    for unit in text:
        value = (value * 31 + ord(unit)) & 0xFFFFFFFF
    return value


def coordinator(cluster, group):
    """The node that coordinates a group, by the rule that every Kafka client could apply."""
    partitions = cluster.partitions(OFFSETS_TOPIC)
    return partitions[(java_hash(group) & 0x7FFFFFFF) % len(partitions)][0]


def retried(action, seconds=30):
    """Does what a careful client does: the same again until it is answered without error."""
    end = time.monotonic() + seconds
    while True:
        try:
            return action()
        except KafkaException:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@pytest.fixture
def admin(cluster):
    return AdminClient({"bootstrap.servers": cluster.bootstrap})


def test_no_acknowledged_commit_is_lost_when_coordinators_are_killed(own_cluster):
    cluster, topic, group = own_cluster, fresh("kept"), fresh("group")
    cluster.create_topic(topic, partitions=1)
    client = consumer(cluster, group)
    place = TopicPartition(topic, 0)
    retried(lambda: client.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False))
    acknowledged, stopping = [0], threading.Event()

    def commit_for_ever():
        offset = 0
        while not stopping.is_set():
            offset += 1
            try:
                client.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
                acknowledged.append(offset)
            except KafkaException:
                time.sleep(0.02)

    worker = threading.Thread(target=commit_for_ever)
    worker.start()
    try:
        for _ in range(4):
            seen = len(acknowledged)
            wait_until(lambda: len(acknowledged) > seen + 20, 30, "commits go on")
            victim = coordinator(cluster, group)
            cluster.kill(victim)
            before = acknowledged[-1]
            wait_until(lambda: acknowledged[-1] > before + 5, 30, "commits go on at another coordinator")
            reader = consumer(cluster, group)
            found = retried(lambda: reader.committed([place], timeout=5))[0].offset
            reader.close()
            assert found >= before
            cluster.start(victim)
            cluster.wait_in_sync(OFFSETS_TOPIC)
    finally:
        stopping.set()
        worker.join()
    assert retried(lambda: client.committed([place], timeout=5))[0].offset >= acknowledged[-1]
    client.close()


def test_members_go_on_when_their_coordinator_is_killed(own_cluster):
    cluster, topic, group = own_cluster, fresh("go-on"), fresh("group")
    cluster.create_topic(topic, partitions=6)
    moves = []
    members = [consumer(cluster, group) for _ in range(3)]
    for client in members:
        client.subscribe([topic], on_assign=lambda *_: moves.append(time.monotonic()))

    def divided():
        for client in members:
            client.poll(0.02)
        return all(len(client.assignment()) == 2 for client in members)

    wait_until(divided, 30, "each member has two partitions")
    quiet = len(moves)
    victim = coordinator(cluster, group)
    cluster.kill(victim)
    write(cluster, topic, 300)
    seen, end = [], time.monotonic() + 30
    while len(seen) < 300 and time.monotonic() < end:
        for client in members:
            record = client.poll(0.02)
            if record is not None and record.error() is None:
                seen.append(int(record.value()))
    assert sorted(seen) == list(range(300)), "each record reaches one member, once"
    assert len(moves) == quiet, "a new coordinator continues the generation; nobody has to join again"
    for client in members:
        client.close()


def test_the_second_of_two_equal_instances_fences_the_first(cluster):
    topic, group = fresh("fenced"), fresh("group")
    cluster.create_topic(topic, partitions=2)
    one = consumer(cluster, group, **{"group.instance.id": "same"})
    one.subscribe([topic])
    wait_until(lambda: one.poll(0.05) or len(one.assignment()) == 2, 30, "the first has all partitions")
    two = consumer(cluster, group, **{"group.instance.id": "same"})
    two.subscribe([topic])
    wait_until(lambda: two.poll(0.05) or len(two.assignment()) == 2, 30, "the second has taken over")
    with pytest.raises(KafkaException) as fenced:
        one.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    assert fenced.value.args[0].code() in (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL, KafkaError._FENCED)
    two.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    one.close(), two.close()


@pytest.mark.parametrize("assignor", ["range", "cooperative-sticky"])
def test_members_that_come_and_go_read_everything(cluster, assignor):
    topic, group = fresh("rolling"), fresh("group")
    cluster.create_topic(topic, partitions=5)
    total, seen, lock, stopping = 4_000, {}, threading.Lock(), threading.Event()

    def live(lifetime):
        client = consumer(
            cluster, group, **{"partition.assignment.strategy": assignor, "enable.auto.commit": True,
                               "auto.commit.interval.ms": 100})
        client.subscribe([topic])
        end = time.monotonic() + lifetime
        while time.monotonic() < end and not stopping.is_set():
            record = client.poll(0.1)
            if record is not None and record.error() is None:
                with lock:
                    number = int(record.value())
                    seen[number] = seen.get(number, 0) + 1
        client.close()

    steady = threading.Thread(target=live, args=(120,))
    steady.start()
    passing = [threading.Thread(target=live, args=(2 + n,)) for n in range(3)]
    for thread in passing:
        thread.start()
    for start in range(0, total, 500):
        write(cluster, topic, 500, start)
        time.sleep(0.3)
    for thread in passing:
        thread.join()
    try:
        wait_until(lambda: len(seen) == total, 60, "every record has reached a member")
    finally:
        stopping.set()
        steady.join()


def test_a_group_is_deleted_once_it_is_empty(cluster, admin):
    topic, group = fresh("deleted"), fresh("group")
    cluster.create_topic(topic, partitions=1)
    client = consumer(cluster, group)
    client.subscribe([topic])
    wait_until(lambda: client.poll(0.05) or client.assignment(), 30, "the member has its partition")
    client.commit(offsets=[TopicPartition(topic, 0, 5)], asynchronous=False)
    described = admin.describe_consumer_groups([group], request_timeout=10)[group].result(10)
    assert described.state == ConsumerGroupState.STABLE
    assert [member.assignment.topic_partitions[0].topic for member in described.members] == [topic]
    with pytest.raises(KafkaException) as refused:
        admin.delete_consumer_groups([group], request_timeout=10)[group].result(10)
    assert refused.value.args[0].code() == KafkaError.NON_EMPTY_GROUP
    client.close()
    stable = admin.list_consumer_groups(states={ConsumerGroupState.STABLE}, request_timeout=10).result(10)
    assert group not in [entry.group_id for entry in stable.valid]
    asked = [ConsumerGroupTopicPartitions(group)]
    found = admin.list_consumer_group_offsets(asked, request_timeout=10)[group].result(10)
    assert [(place.topic, place.offset) for place in found.topic_partitions] == [(topic, 5)]
    admin.delete_consumer_groups([group], request_timeout=10)[group].result(10)
    everyone = admin.list_consumer_groups(request_timeout=10).result(10)
    assert group not in [entry.group_id for entry in everyone.valid]
    with pytest.raises(KafkaException) as gone:
        admin.delete_consumer_groups([group], request_timeout=10)[group].result(10)
    assert gone.value.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND


def test_a_deleted_topic_is_forgotten_by_all_the_groups_that_read_it(cluster):
    topic, other, prefix = fresh("gone"), fresh("stays"), fresh("group")
    for name in (topic, other):
        cluster.create_topic(name, partitions=20)
        cluster.wait_in_sync(name)
    groups = [f"{prefix}-{number}" for number in range(100)]
    offsets = {
        PythonPartition(name, partition): OffsetAndMetadata(7, "", -1)
        for name in (topic, other) for partition in range(20)
    }
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))

    def topics_of(some):
        """{group: topics of which it remembers an offset}"""
        found = admin.list_group_offsets({group: None for group in some})
        return {
            group: {place.topic for place, offset in found[group].items() if offset.offset >= 0} for group in some
        }

    def is_set(group):
        return all(not error.errno for error in admin.alter_group_offsets(group, offsets).values())

    for group in groups:
        wait_until(lambda: is_set(group), 30, f"{group} has offsets")
    assert all(topics == {topic, other} for topics in topics_of(groups).values())
    admin.delete_topics([topic])
    wait_until(
        lambda: all(topics == {other} for topics in topics_of(groups).values()), 60, "only the other is remembered")
    # Under the same name a topic starts from nothing.
    cluster.create_topic(topic, partitions=20)
    cluster.wait_in_sync(topic)
    assert topics_of(groups[-1:])[groups[-1]] == {other}
    admin.close()


def test_a_consumer_without_a_group_life_commits_and_reads_its_own_offsets(cluster):
    topic, group = fresh("simple"), fresh("group")
    cluster.create_topic(topic, partitions=2)
    client = KafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id=group, enable_auto_commit=False)
    place, other = PythonPartition(topic, 0), PythonPartition(topic, 1)
    client.assign([place, other])
    client.commit({place: OffsetAndMetadata(7, "a note", -1)})
    assert client.committed(place) == 7
    assert client.committed(other) is None
    client.close()


SILENT_MEMBER = """
import sys, time
from confluent_kafka import Consumer
client = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "session.timeout.ms": 6000,
                   "heartbeat.interval.ms": 300})
client.subscribe([sys.argv[3]])
while True:
    client.poll(0.05)
    if len(client.assignment()) == 2:
        print("ready", flush=True)
"""


def test_a_silent_member_is_replaced(cluster):
    topic, group = fresh("silent"), fresh("group")
    cluster.create_topic(topic, partitions=2)
    arguments = [sys.executable, "-c", SILENT_MEMBER, cluster.bootstrap, group, topic]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as member:
        try:
            assert member.stdout.readline().strip() == "ready"
            os.kill(member.pid, signal.SIGSTOP)
            other = consumer(cluster, group)
            other.subscribe([topic])
            wait_until(lambda: other.poll(0.1) or len(other.assignment()) == 2, 60, "the other has all partitions")
            other.close()
        finally:
            member.kill()
