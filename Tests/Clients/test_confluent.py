"""confluent-kafka (librdkafka 2.16): idempotent producer, groups, administration."""

import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from harness import fresh, wait_until


def consumer(cluster, group, **extra):
    settings = {
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "session.timeout.ms": 10_000, "heartbeat.interval.ms": 500, **extra,
    }
    return Consumer(settings)


def read(client, count, seconds=30):
    records = []
    end = time.monotonic() + seconds
    while len(records) < count and time.monotonic() < end:
        record = client.poll(0.2)
        if record is None:
            continue
        assert record.error() is None, record.error()
        records.append(record)
    return records


def write(cluster, topic, values, **extra):
    failed = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", **extra})
    for value in values:
        while True:
            try:
                producer.produce(topic, value, on_delivery=lambda error, _: error and failed.append(error))
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0
    assert not failed, failed[0]


@pytest.fixture
def admin(cluster):
    return AdminClient({"bootstrap.servers": cluster.bootstrap})


def test_topics_are_created_described_and_deleted(cluster, admin):
    topic = fresh("admin")
    new = NewTopic(topic, num_partitions=5, replication_factor=3, config={"retention.ms": "123456"})
    admin.create_topics([new])[topic].result(30)
    # Any broker may be asked, and each learns of the topic in its own time.
    wait_until(lambda: len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 5, 10, "all know the topic")
    described = admin.list_topics(topic, timeout=10).topics[topic]
    assert all(len(partition.replicas) == 3 for partition in described.partitions.values())
    resource = ConfigResource(ResourceType.TOPIC, topic)
    configs = admin.describe_configs([resource])[resource].result(30)
    assert configs["retention.ms"].value == "123456"
    with pytest.raises(KafkaException) as twice:
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    assert twice.value.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    assert f"Topic '{topic}' already exists." in twice.value.args[0].str()
    admin.delete_topics([topic])[topic].result(30)
    wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, 10, "the topic is gone")


def test_more_replicas_than_brokers_are_refused(admin):
    topic = fresh("too-many")
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic(topic, 1, 4)])[topic].result(30)
    assert refused.value.args[0].code() == KafkaError.INVALID_REPLICATION_FACTOR


def test_an_idempotent_producer_writes_once_and_in_order(cluster):
    topic = fresh("idempotent")
    cluster.create_topic(topic, partitions=1)
    values = [str(n) for n in range(20_000)]
    write(cluster, topic, values, **{"enable.idempotence": True, "linger.ms": 1})
    client = consumer(cluster, fresh("group"))
    client.assign([TopicPartition(topic, 0, 0)])
    assert [record.value().decode() for record in read(client, len(values))] == values
    client.close()


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_each_codec(cluster, codec):
    topic = fresh(f"codec-{codec}")
    cluster.create_topic(topic, partitions=1)
    values = [f"{n}-{'y' * 200}" for n in range(1_000)]
    write(cluster, topic, values, **{"compression.type": codec, "linger.ms": 20})
    client = consumer(cluster, fresh("group"))
    client.assign([TopicPartition(topic, 0, 0)])
    assert [record.value().decode() for record in read(client, len(values))] == values
    client.close()


@pytest.mark.parametrize("assignor", ["range", "roundrobin", "cooperative-sticky"])
def test_a_group_divides_partitions_and_moves_them_when_a_member_leaves(cluster, assignor):
    topic, group = fresh("divide"), fresh("group")
    cluster.create_topic(topic, partitions=6)
    settings = {"partition.assignment.strategy": assignor}
    first, second = consumer(cluster, group, **settings), consumer(cluster, group, **settings)
    for client in (first, second):
        client.subscribe([topic])

    def divided():
        first.poll(0.05), second.poll(0.05)
        return len(first.assignment()) == 3 and len(second.assignment()) == 3

    wait_until(divided, 30, "each member has three partitions")
    second.close()

    def alone():
        first.poll(0.05)
        return len(first.assignment()) == 6

    wait_until(alone, 30, "the last member has all six partitions")
    first.close()


def test_commits_are_kept_and_seen_by_the_next_member(cluster, admin):
    topic, group = fresh("commit"), fresh("group")
    cluster.create_topic(topic, partitions=1)
    write(cluster, topic, [str(n) for n in range(100)])
    client = consumer(cluster, group, **{"enable.auto.commit": False})
    client.subscribe([topic])
    assert len(read(client, 40)) == 40
    client.commit(offsets=[TopicPartition(topic, 0, 40)], asynchronous=False)
    assert client.committed([TopicPartition(topic, 0)], timeout=10)[0].offset == 40
    client.close()
    again = consumer(cluster, group, **{"enable.auto.commit": False})
    again.subscribe([topic])
    assert [record.value() for record in read(again, 60)] == [str(n).encode() for n in range(40, 100)]
    again.close()
    groups = admin.list_consumer_groups(request_timeout=10).result(10)
    assert group in [entry.group_id for entry in groups.valid]
    described = admin.describe_consumer_groups([group], request_timeout=10)[group].result(10)
    assert described.state.name == "EMPTY"


def test_a_static_member_keeps_its_partitions_over_a_restart(cluster):
    topic, group = fresh("static"), fresh("group")
    cluster.create_topic(topic, partitions=4)
    moves = []
    settings = {"partition.assignment.strategy": "range", "session.timeout.ms": 20_000}
    one = consumer(cluster, group, **{"group.instance.id": "one", **settings})
    two = consumer(cluster, group, **{"group.instance.id": "two", **settings})
    one.subscribe([topic], on_assign=lambda *_: moves.append("one"))
    two.subscribe([topic])

    def divided():
        one.poll(0.05), two.poll(0.05)
        return len(one.assignment()) == 2 and len(two.assignment()) == 2

    wait_until(divided, 30, "each has two partitions")
    before, count = sorted(map(str, one.assignment())), len(moves)
    two.close()
    two = consumer(cluster, group, **{"group.instance.id": "two", **settings})
    two.subscribe([topic])
    wait_until(divided, 30, "the member that came back has its two partitions")
    assert sorted(map(str, one.assignment())) == before and len(moves) == count
    one.close(), two.close()


def test_a_long_poll_ends_when_a_record_comes(cluster):
    topic = fresh("poll")
    cluster.create_topic(topic, partitions=1)
    client = consumer(cluster, fresh("group"), **{"fetch.wait.max.ms": 5_000})
    client.assign([TopicPartition(topic, 0, 0)])
    assert client.poll(0.5) is None
    got = []
    reader = threading.Thread(target=lambda: got.append((client.poll(10), time.monotonic())))
    reader.start()
    time.sleep(0.5)
    sent = time.monotonic()
    write(cluster, topic, ["now"])
    reader.join()
    record, at = got[0]
    assert record.value() == b"now" and at - sent < 2
    client.close()


def test_offsets_for_times(cluster):
    topic = fresh("times")
    cluster.create_topic(topic, partitions=1)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    base = int(time.time() * 1000) - 100_000
    for n in range(10):
        producer.produce(topic, str(n), timestamp=base + n * 1000)
    assert producer.flush(30) == 0
    client = consumer(cluster, fresh("group"))
    found = client.offsets_for_times([TopicPartition(topic, 0, base + 4_500)], timeout=10)
    assert found[0].offset == 5
    assert client.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (0, 10)
    client.close()


def test_a_record_that_is_too_large_is_refused(cluster):
    topic = fresh("large")
    cluster.create_topic(topic, partitions=1, max_message_bytes=1000)
    errors = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    producer.produce(topic, b"x" * 5_000, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(30) == 0
    assert errors[0] is not None and errors[0].code() == KafkaError.MSG_SIZE_TOO_LARGE
