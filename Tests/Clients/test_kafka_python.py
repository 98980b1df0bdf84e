"""kafka-python: an implementation of its own, in Python."""

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from harness import fresh


def servers(cluster):
    return cluster.bootstrap.split(",")


def test_topics_by_the_admin_client(cluster):
    topic = fresh("py-admin")
    admin = KafkaAdminClient(bootstrap_servers=servers(cluster))
    admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=3)])
    assert topic in admin.list_topics()
    described = admin.describe_topics([topic])
    assert len(list(described)) == 1
    admin.delete_topics([topic])
    admin.close()


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_what_is_written_is_read(cluster, acks):
    topic = fresh(f"py-{acks}")
    cluster.create_topic(topic, partitions=2)
    cluster.wait_led(topic)
    producer = KafkaProducer(bootstrap_servers=servers(cluster), acks=acks, enable_idempotence=acks == "all")
    for n in range(200):
        producer.send(topic, key=b"k%d" % n, value=b"v%d" % n, headers=[("n", b"%d" % n)])
    producer.flush(30)
    producer.close()
    consumer = KafkaConsumer(
        bootstrap_servers=servers(cluster), auto_offset_reset="earliest", consumer_timeout_ms=5_000,
        enable_auto_commit=False,
    )
    consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
    records = []
    for record in consumer:
        records.append(record)
        if len(records) == 200:
            break
    consumer.close()
    assert sorted(record.value for record in records) == sorted(b"v%d" % n for n in range(200))
    assert all(record.headers == [("n", record.value[1:])] for record in records)


@pytest.mark.parametrize("codec", ["gzip"])
def test_compressed_batches(cluster, codec):
    topic = fresh(f"py-{codec}")
    cluster.create_topic(topic, partitions=1)
    producer = KafkaProducer(bootstrap_servers=servers(cluster), compression_type=codec, acks="all", linger_ms=50)
    for n in range(500):
        producer.send(topic, b"%d" % n + b"z" * 100)
    producer.flush(30)
    producer.close()
    consumer = KafkaConsumer(
        topic, bootstrap_servers=servers(cluster), auto_offset_reset="earliest", consumer_timeout_ms=5_000,
        group_id=None,
    )
    count = 0
    for record in consumer:
        assert record.value == b"%d" % count + b"z" * 100
        count += 1
        if count == 500:
            break
    consumer.close()
    assert count == 500


def test_a_group_commits_and_goes_on(cluster):
    topic, group = fresh("py-group"), fresh("group")
    cluster.create_topic(topic, partitions=2)
    producer = KafkaProducer(bootstrap_servers=servers(cluster), acks="all")
    for n in range(100):
        producer.send(topic, b"%d" % n, partition=n % 2)
    producer.flush(30)

    def member():
        return KafkaConsumer(
            topic, bootstrap_servers=servers(cluster), group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False, consumer_timeout_ms=10_000,
        )

    def read(consumer, count):
        values = []
        for record in consumer:
            values.append(int(record.value))
            if len(values) == count:
                break
        return values

    first = member()
    assert sorted(read(first, 100)) == list(range(100))
    first.commit()
    first.close()
    for n in range(100, 120):
        producer.send(topic, b"%d" % n, partition=n % 2)
    producer.flush(30)
    second = member()
    assert sorted(read(second, 20)) == list(range(100, 120))
    second.close()
    producer.close()
