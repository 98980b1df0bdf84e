"""A byte flips in a closed segment of a running node: nobody is served it, and the replica becomes whole again."""

import os
import random
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from harness import Cluster, fresh, wait_until
from steady_stream import QUIET

RECORDS = 6_000
PARTITIONS = 3


@pytest.fixture
def scrubbed_cluster():
    """A cluster that reads its logs again every second."""
    cluster = Cluster(nodes=3, overrides=["log.scrub.interval.ms=1000", "log.scrub.io.max.bytes.per.second=100000000"])
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.destroy()


def fill(cluster, topic, records=RECORDS):
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "linger.ms": 1, "batch.size": 20_000, **QUIET})
    failed = []
    for n in range(records):
        producer.produce(topic, f"{n:06d}".encode() * 300, partition=n % PARTITIONS, on_delivery=lambda error, _: error and failed.append(error))
        producer.poll(0)
    assert producer.flush(120) == 0 and not failed, failed[:1]


def read_all(cluster, topic, records=RECORDS):
    """Every record of every partition, in order; the client checks no checksums, so it believes what it gets."""
    client = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": fresh("g"), "check.crcs": False, **QUIET})
    client.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    found = {partition: [] for partition in range(PARTITIONS)}
    stop = time.monotonic() + 90
    while sum(map(len, found.values())) < records and time.monotonic() < stop:
        record = client.poll(0.2)
        if record is not None and record.error() is None:
            found[record.partition()].append(record.value())
    client.close()
    return found


def expected(records=RECORDS):
    return {p: [f"{n:06d}".encode() * 300 for n in range(p, records, PARTITIONS)] for p in range(PARTITIONS)}


def segments(cluster, node, topic, partition):
    """The log files of one replica, the oldest first; the last is the one still written."""
    return sorted((cluster.data(node) / f"{topic}-{partition}").glob("*.log"))


def flip(path, chance):
    position = chance.randrange(path.stat().st_size)
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ (1 << chance.randrange(8))]))
        file.flush()
        # On the disk, and not in memory, where it would be what the node itself wrote.
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return position


def content(cluster, node, topic, partition):
    return b"".join(path.read_bytes() for path in segments(cluster, node, topic, partition))


def set_aside(cluster, node):
    return [path.name for path in cluster.data(node).glob("*-stray")]


def damage_leader_and_follower(cluster, topic, chance):
    """Flips one bit in a closed segment of the leader, and in another of one follower, of each partition."""
    hurt = []
    for partition, (leader, replicas, _) in cluster.partitions(topic).items():
        follower = next(node for node in replicas if node != leader)
        closed = segments(cluster, leader, topic, partition)[:-1]
        assert len(closed) >= 2, closed
        flip(closed[0], chance)
        flip(segments(cluster, follower, topic, partition)[1], chance)
        hurt += [(leader, partition), (follower, partition)]
    return hurt


def wait_whole(cluster, topic, hurt):
    wait_until(
        lambda: all(any(name.startswith(f"{topic}-{p}.") for name in set_aside(cluster, node)) for node, p in hurt),
        90, "every damaged log is set aside")
    cluster.wait_in_sync(topic, 90)


def check_equal(cluster, topic):
    for partition in range(PARTITIONS):
        copies = {content(cluster, node, topic, partition) for node in cluster.nodes}
        assert len(copies) == 1, f"the replicas of partition {partition} differ"


def test_flipped_bits_are_found_by_scrubbing_and_repaired(scrubbed_cluster):
    cluster, topic, chance = scrubbed_cluster, fresh("scrubbed"), random.Random(7)
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2, segment_bytes=1048576)
    cluster.wait_in_sync(topic)
    fill(cluster, topic)
    hurt = damage_leader_and_follower(cluster, topic, chance)
    assert read_all(cluster, topic) == expected()
    wait_whole(cluster, topic, hurt)
    assert read_all(cluster, topic) == expected()
    check_equal(cluster, topic)


def test_what_a_consumer_reads_is_never_damaged_and_reading_repairs_the_leader(own_cluster):
    """Without a scrub: the read finds it, another replica leads, and the client notices nothing."""
    cluster, topic, chance = own_cluster, fresh("read"), random.Random(8)
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2, segment_bytes=1048576)
    cluster.wait_in_sync(topic)
    fill(cluster, topic)
    hurt = []
    for partition, (leader, _, _) in cluster.partitions(topic).items():
        flip(segments(cluster, leader, topic, partition)[0], chance)
        hurt.append((leader, partition))
    assert read_all(cluster, topic) == expected()
    wait_whole(cluster, topic, hurt)
    assert read_all(cluster, topic) == expected()
    check_equal(cluster, topic)
