"""Topics with cleanup.policy=compact: what stays, what goes, and what a crash in the midst of it leaves."""

import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from harness import Cluster, fresh, martlet, wait_until
from test_confluent import consumer
from test_kcat import kcat

SMALL = {
    "cleanup_policy": "compact", "segment_ms": "200", "min_cleanable_dirty_ratio": "0.01",
    "delete_retention_ms": "100", "file_delete_delay_ms": "100",
}


@pytest.fixture
def cleaning_cluster():
    """Three nodes whose cleaners look twice a second."""
    cluster = Cluster(nodes=3, overrides=[
        "log.cleaner.backoff.ms=500", "group.initial.rebalance.delay.ms=100",
        "offsets.topic.num.partitions=1",
    ])
    try:
        yield cluster.up()
    finally:
        cluster.destroy()


def put(cluster, topic, pairs, **config):
    """Writes keys and values; None deletes the key."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 5, "batch.size": 2000} | config)
    failed = []
    for key, value in pairs:
        producer.produce(
            topic, value and value.encode(), key=key.encode(), partition=0,
            on_delivery=lambda error, _: error and failed.append(error))
        producer.poll(0)
    assert producer.flush(60) == 0 and not failed, failed


def everything(cluster, topic):
    """All records of partition 0 from its start, as (offset, key, value)."""
    def opened():
        # A client of its own each time: it remembers a topic that it did not find.
        client = Consumer(
            {"bootstrap.servers": cluster.bootstrap, "group.id": fresh("g"), "enable.auto.commit": False})
        try:
            return client, *client.get_watermark_offsets(at, timeout=10)
        except KafkaException:
            client.close()
            raise

    at = TopicPartition(topic, 0)
    client, low, high = wait_until(opened, 30, f"the bounds of {topic}")
    client.assign([TopicPartition(topic, 0, low)])
    records, position = [], low
    while position < high:
        record = client.poll(20)
        assert record is not None, f"nothing comes behind offset {position} of {high}"
        assert record.error() is None, record.error()
        records.append((record.offset(), record.key().decode(), record.value() and record.value().decode()))
        position = client.position([at])[0].offset
    client.close()
    return records


def table(records):
    """What a reader of a changelog knows in the end."""
    known = {}
    for _, key, value in records:
        known[key] = value
    return {key: value for key, value in known.items() if value is not None}


def logs(cluster, topic):
    """Bytes of the topic's partition 0 on each node."""
    return [
        sum(file.stat().st_size for file in (cluster.data(node) / f"{topic}-0").glob("*.log"))
        for node in cluster.nodes
    ]


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_last_values_stay_on_every_replica(cleaning_cluster, codec):
    cluster, topic = cleaning_cluster, fresh("compacted")
    cluster.create_topic(topic, **SMALL)
    put(cluster, topic, [("gone", "1"), ("gone", None)])
    wanted = {}
    for turn in range(40):
        pairs = [(f"key-{n}", f"value {n} of turn {turn} " + "x" * 60) for n in range(50)]
        wanted |= dict(pairs)
        put(cluster, topic, pairs, **{"compression.type": codec})
    written = 40 * 50 + 2

    def is_compact():
        # Something must be written for the active segment to be rolled.
        put(cluster, topic, [("beat", "y")])
        wanted["beat"] = "y"
        time.sleep(0.3)
        records = everything(cluster, topic)
        return len(records) < 300 and not any(key == "gone" for _, key, _ in records)

    wait_until(is_compact, 60, "superseded records are gone")
    records = everything(cluster, topic)
    assert table(records) == wanted
    assert [offset for offset, _, _ in records] == sorted(offset for offset, _, _ in records)
    assert records[-1][0] >= written
    # Each replica compacts for itself.
    wait_until(lambda: max(logs(cluster, topic)) < 60_000, 60, "every replica is compacted")
    # A replica that starts from nothing gets the gaps from its leader.
    leader = cluster.partitions(topic)[0][0]
    cluster.kill(leader)
    wait_until(lambda: cluster.partitions(topic)[0][0] not in (leader, -1), 30, "another replica leads")
    assert table(everything(cluster, topic)) == wanted
    cluster.start(leader)
    wait_until(lambda: len(cluster.partitions(topic)[0][2]) == 3, 60, "all replicas are in sync")
    out = kcat(cluster, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%k=%s\n")
    assert dict(line.split("=", 1) for line in out.splitlines() if line.split("=", 1)[1]) == wanted


def test_kill_in_the_midst_of_it_loses_no_key(cleaning_cluster):
    cluster, topic = cleaning_cluster, fresh("killed")
    cluster.create_topic(topic, **SMALL)
    wanted = {}
    for turn in range(6):
        for part in range(8):
            pairs = [(f"key-{n}", f"{turn}.{part}." + "z" * 100) for n in range(100)]
            wanted |= dict(pairs)
            put(cluster, topic, pairs)
        node = cluster.nodes[turn % 3]
        # Cleaners look twice a second: some kill comes into a compaction.
        time.sleep(0.05 * turn)
        cluster.kill(node)
        cluster.start(node)
        wait_until(lambda: len(cluster.partitions(topic)[0][2]) == 3, 60, "all replicas are in sync")
        assert table(everything(cluster, topic)) == wanted
    for node in cluster.nodes:
        names = [file.name for file in (cluster.data(node) / f"{topic}-0").iterdir()]
        assert any(name.endswith(".log") for name in names)


def test_committed_offsets_are_compacted_and_survive(cleaning_cluster):
    cluster, topic, group = cleaning_cluster, fresh("offsets"), fresh("group")
    cluster.create_topic(topic)
    put(cluster, topic, [("k", f"{n}") for n in range(10)])
    client = consumer(cluster, group)
    client.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    martlet(
        "configs", "--bootstrap-server", cluster.bootstrap, "--alter", "--topic", "__consumer_offsets",
        "--add-config", "segment.ms=200,min.cleanable.dirty.ratio=0.01")
    for offset in range(2500):
        client.commit(offsets=[TopicPartition(topic, 0, offset % 10)], asynchronous=offset % 100 != 99)
    most = max(logs(cluster, "__consumer_offsets"))

    def is_compact():
        client.commit(offsets=[TopicPartition(topic, 0, 7)], asynchronous=False)
        time.sleep(0.3)
        return max(logs(cluster, "__consumer_offsets")) < most / 3

    wait_until(is_compact, 60, "committed offsets are compacted")
    client.close()
    for node in cluster.nodes:
        cluster.kill(node)
    for node in cluster.nodes:
        cluster.start(node)
    client = consumer(cluster, group)
    found = client.committed([TopicPartition(topic, 0)], timeout=60)[0]
    assert found.offset == 7, found
    client.close()
