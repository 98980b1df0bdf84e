"""A disk of one node has less free space than is reserved: nothing breaks, and all goes on once there is space."""

import os
import subprocess
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from harness import Cluster, fresh, wait_until
from steady_stream import QUIET

MEGABYTE = 1 << 20
PARTITIONS = 6


@pytest.fixture
def cluster_with_a_small_disk():
    """Three nodes with two log directories each; the second one of node 1 is a disk of 64 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    cluster = Cluster(nodes=3)
    own = f"{cluster.path}/node-{{node}}/data"
    cluster.overrides = [f"log.dirs={own},{cluster.directory}/second-disk-{{node}}"]
    disk = cluster.directory / "second-disk-1"
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={64 * MEGABYTE}", "tmpfs", disk], check=True)
    try:
        yield cluster.up()
    finally:
        try:
            cluster.run("destroy", check=False)
        finally:
            subprocess.run(["umount", "-l", disk], check=False)
            cluster.destroy()


def test_a_full_disk_takes_no_records_loses_none_and_goes_on_when_there_is_space(cluster_with_a_small_disk):
    cluster = cluster_with_a_small_disk
    disk = cluster.directory / "second-disk-1"
    topic = fresh("full")
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    on_disk = {int(path.name.rsplit("-", 1)[1]) for path in disk.glob(f"{topic}-*")}
    led = {number for number, (leader, _, _) in cluster.partitions(topic).items() if leader == 1 and number in on_disk}
    assert led, "node 1 leads nothing on its small disk"
    filler = disk / "filler"
    filler.write_bytes(b"\0" * (62 * MEGABYTE))
    wait_until(lambda: "a disk is nearly full" in cluster.logs(1, 1_000), 30, "the node notices")

    answers = {number: [] for number in range(PARTITIONS)}
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "acks": "all", "message.timeout.ms": 120_000, "linger.ms": 0, **QUIET})
    for n in range(60):
        number = n % PARTITIONS
        producer.produce(
            topic, b"%d" % n, partition=number,
            on_delivery=lambda error, _, number=number: answers[number].append(error))
    stop = time.monotonic() + 5
    while time.monotonic() < stop:
        producer.poll(0.1)
    assert not any(answers[number] for number in led), "records were taken by a full disk"
    # Its other directory is not full.
    elsewhere = [n for n, (leader, _, _) in cluster.partitions(topic).items() if leader == 1 and n not in on_disk]
    assert all(len(answers[number]) == 10 for number in elsewhere)
    filler.unlink()
    assert producer.flush(90) == 0
    assert [error for errors in answers.values() for error in errors] == [None] * 60
    cluster.wait_in_sync(topic)
    client = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": fresh("g"), **QUIET})
    client.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found = []
    stop = time.monotonic() + 30
    while len(found) < 60 and time.monotonic() < stop:
        record = client.poll(0.2)
        if record is not None and record.error() is None:
            found.append(int(record.value()))
    client.close()
    assert sorted(found) == list(range(60))
