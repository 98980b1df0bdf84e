"""F15: one of two disks of a node takes seconds for each flush, or a fifth of one for each write; what lies on the
other must not notice.

A preloaded shim delays the flushes or writes of one log directory of node 1, and nothing else.
"""

import contextlib
import os
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from fresh_producer import ProduceConnection
from harness import Cluster, fresh, wait_until

SOURCE = Path(__file__).with_name("slow_disk.c")
DELAY_MILLISECONDS = 2_000
WRITE_DELAY_MILLISECONDS = 200
PARTITIONS = 20
# A ratio of times below this says more of the machine than of the node.
FLOOR_SECONDS = 0.1


class SlowDisk:
    """Delays flushes and writes below a path, in processes that are started inside `loaded`."""

    def __init__(self, folder, path):
        self.library = folder / "slow_disk.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE, "-ldl"], check=True)
        self.file = folder / "milliseconds"
        self.environment = {
            "LD_PRELOAD": str(self.library), "MARTLET_SLOW_PATH": str(path), "MARTLET_SLOW_FILE": str(self.file)
        }

    @contextlib.contextmanager
    def loaded(self):
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name in self.environment:
                del os.environ[name]

    def slow(self, flush, write=0):
        self.file.write_text(f"{flush} {write}")

    def mend(self):
        self.file.unlink(missing_ok=True)


class PingPong(threading.Thread):
    """Sends one record after the other to a partition by a connection of its own; remembers how long each took."""

    def __init__(self, cluster, topic, partition, leader):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.partition, self.leader = cluster, topic, partition, leader
        self.stopping = threading.Event()
        # (when it was sent, how long its answer took)
        self.times = []
        self.errors = []

    def run(self):
        connection = ProduceConnection(self.cluster.port(self.leader), timeout=60)
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                error = connection.produce(self.topic, self.partition)
            except (OSError, struct.error) as failure:
                error = str(failure)
            self.times.append((began, time.monotonic() - began))
            if error:
                self.errors.append(error)
                break
            time.sleep(0.02)
        connection.close()

    def between(self, since, until):
        return [taken for began, taken in self.times if since <= began < until]


def all_are_led(cluster, topic):
    """Whether node 1 takes records for each partition: a replica's directory is there before it is open."""
    connection = ProduceConnection(cluster.port(1), timeout=60)
    try:
        return not any(connection.produce(topic, partition) for partition in range(PARTITIONS))
    finally:
        connection.close()


def p99(times):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def disks(cluster, topic, node=1):
    """{"a": [partitions], "b": [partitions]}: on which disk of a node each partition lies."""
    found = {"a": [], "b": []}
    for disk in found:
        for entry in (cluster.path / f"node-{node}" / f"data-{disk}").glob(f"{topic}-*"):
            found[disk].append(int(entry.name.rsplit("-", 1)[1]))
    return found


@pytest.fixture
def two_disks(tmp_path, request):
    """A cluster whose nodes have two log directories each and one for the metadata; node 1's first can be slowed."""
    cluster = Cluster(nodes=request.param)
    node = cluster.path / "node-{node}"
    cluster.overrides = [f"log.dirs={node}/data-a,{node}/data-b", f"metadata.log.dir={node}/metadata"]
    disk = SlowDisk(tmp_path, cluster.path / "node-1" / "data-a")
    try:
        with disk.loaded():
            cluster.up()
        yield cluster, disk
    finally:
        disk.mend()
        cluster.destroy()


@pytest.mark.parametrize("two_disks", [1], indirect=True)
@pytest.mark.parametrize(
    "flush, write", [(DELAY_MILLISECONDS, 0), (0, WRITE_DELAY_MILLISECONDS)], ids=["flushes", "writes"])
def test_ten_partitions_on_a_healthy_disk_do_not_notice_a_slow_one(two_disks, flush, write):
    cluster, disk = two_disks
    topic = fresh("disks")
    cluster.create_topic(topic, partitions=PARTITIONS, factor=1)
    wait_until(lambda: len(sum(disks(cluster, topic).values(), [])) == PARTITIONS, 30, "all replicas are there")
    wait_until(lambda: all_are_led(cluster, topic), 30, "the only node leads all partitions")
    lying = disks(cluster, topic)
    assert len(lying["b"]) == PARTITIONS // 2, lying
    healthy = [PingPong(cluster, topic, partition, 1) for partition in lying["b"]]
    slow = [PingPong(cluster, topic, partition, 1) for partition in lying["a"]]
    for thread in healthy + slow:
        thread.start()
    time.sleep(1)
    began = time.monotonic()
    time.sleep(4)
    disk.slow(flush, write)
    slowed = time.monotonic()
    time.sleep(10)
    ended = time.monotonic()
    disk.mend()
    for thread in healthy + slow:
        thread.stopping.set()
    for thread in healthy + slow:
        thread.join()
    before = p99([one for thread in healthy for one in thread.between(began, slowed)])
    during = p99([one for thread in healthy for one in thread.between(slowed, ended)])
    other = p99([one for thread in slow for one in thread.between(slowed, ended)])
    print(f"SLOW DISK ({flush} ms a flush, {write} ms a write) "
          f"healthy p99 before {before * 1000:.0f} ms, during {during * 1000:.0f} ms; "
          f"on the slow disk {other * 1000:.0f} ms")
    assert not [error for thread in healthy + slow for error in thread.errors]
    assert other > (flush + write) / 1000, "the shim does nothing"
    assert during <= max(3 * before, FLOOR_SECONDS)


@pytest.mark.parametrize("two_disks", [3], indirect=True)
def test_only_leaderships_on_the_slow_disk_move(two_disks):
    cluster, disk = two_disks
    topic = fresh("disks")
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    lying = disks(cluster, topic)
    led = [partition for partition, (leader, _, _) in cluster.partitions(topic).items() if leader == 1]
    gray, well = [one for one in led if one in lying["a"]], [one for one in led if one in lying["b"]]
    assert gray and well, (led, lying)
    threads = [PingPong(cluster, topic, partition, 1) for partition in led]
    for thread in threads:
        thread.start()
    time.sleep(2)
    disk.slow(DELAY_MILLISECONDS)
    wait_until(
        lambda: all(cluster.partitions(topic)[partition][0] not in (1, None) for partition in gray), 30,
        "the leaderships on the slow disk move")
    assert all(cluster.partitions(topic)[partition][0] == 1 for partition in well)
    disk.mend()
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join()
    assert not [thread.errors for thread in threads if thread.partition in well and thread.errors]
    log = cluster.logs(cluster.active_controller(), lines=100_000)
    assert "rule=R5" in log and "broker fenced" not in log
