"""All machines lose power at once, and with it every byte that was not synchronised: nothing acknowledged is lost.

MARTLET_POWER_LOSSES says how often (default 1; the long run takes 20). `flush.on.ack` is at its default, true.
"""

import os
import time
from contextlib import contextmanager

import pytest

from batches import differences
from harness import Cluster, fresh, wait_until
from power_loss import PowerCord, take_back
from steady_stream import SteadyStream, check, read_all

LOSSES = int(os.environ.get("MARTLET_POWER_LOSSES", "1"))
PARTITIONS = 3


def test_changes_are_taken_back_newest_first(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abXYef++")
    record = lambda position, size, former: position.to_bytes(8, "little") + size.to_bytes(8, "little") + len(
        former
    ).to_bytes(8, "little") + former
    # "abcdef" was cut to "ab", then came "XYef", then "++".
    journal = record(2, 6, b"cdef") + record(2, 2, b"") + record(6, 6, b"")
    take_back(path, journal + b"half a record")
    assert path.read_bytes() == b"abcdef"


@pytest.fixture
def powered():
    """A cluster, and the cord that its power comes through."""
    cluster = Cluster(nodes=3)
    cord = PowerCord(cluster.directory)
    try:
        with cord.plugged_in():
            cluster.up()
        yield cluster, cord
    finally:
        cluster.destroy()
        cord.destroy()


@contextmanager
def outage(cluster, cord):
    """Everything is off inside."""
    lost = cord.pull([cluster.process_of(node) for node in cluster.nodes])
    print(f"bytes taken back: {lost}")
    yield
    with cord.plugged_in():
        for node in cluster.nodes:
            cluster.start(node)


def test_nothing_acknowledged_is_lost_when_all_nodes_lose_power(powered):
    cluster, cord = powered
    topic = fresh("power")
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, PARTITIONS) as stream:
        for _ in range(LOSSES):
            since = time.monotonic()
            wait_until(
                lambda: all(stream.last_answer(partition) > since for partition in range(PARTITIONS)), 60,
                "the stream goes on",
            )
            time.sleep(1)
            with outage(cluster, cord):
                pass
            cluster.wait_in_sync(topic)
    print(f"records acknowledged: {sum(map(len, stream.acknowledged.values()))}")
    assert not stream.failed, stream.failed[0]
    assert stream.unanswered == 0
    assert check(stream, read_all(cluster.bootstrap, topic, PARTITIONS)) == []
    cluster.wait_in_sync(topic)
    cluster.down()
    for partition in range(PARTITIONS):
        folders = [cluster.data(node) / f"{topic}-{partition}" for node in cluster.nodes]
        assert differences(folders) == []


def test_without_flush_on_ack_a_loss_of_power_loses_records(powered):
    """So that the test above says something: the same outage does take away what was only written."""
    # A node that flushes for reasons of its own right before the outage keeps everything: three tries.
    assert any(outage_takes_records_away(*powered) for _ in range(3))


def outage_takes_records_away(cluster, cord):
    topic = fresh("unflushed")
    cluster.create_topic(topic, min_insync_replicas=2, flush_on_ack="false")
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, 1) as stream:
        wait_until(lambda: stream.last_answer(0) > 0, 60, "the stream begins")
        time.sleep(0.5)
    assert stream.unanswered == 0 and not stream.failed
    with outage(cluster, cord):
        pass
    cluster.wait_in_sync(topic)
    return any("is lost" in line for line in check(stream, read_all(cluster.bootstrap, topic, 1)))
