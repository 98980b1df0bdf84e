"""A steady stream goes through kills of leaders, and of nodes that are leader and active controller in one.

MARTLET_KILLS says how many of each kind (default 1; the long run takes 30).
"""

import os
import threading
import time

from batches import differences
from harness import MetadataProbe, fresh, wait_until
from steady_stream import SteadyStream, check, percentiles, read_all

KILLS = int(os.environ.get("MARTLET_KILLS", "1"))
PARTITIONS = 3


class ServerGap(threading.Thread):
    """How long after a kill a surviving broker names a new leader for each partition that the dead one led."""

    def __init__(self, cluster, topic, dead, partitions):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.dead, self.partitions = cluster, topic, dead, partitions
        self.probes = [MetadataProbe(cluster.port(node)) for node in cluster.nodes if node != dead]
        self.seconds = None

    def begin(self):
        self.killed_at = time.monotonic()
        self.start()

    def run(self):
        while time.monotonic() - self.killed_at < 30:
            for probe in self.probes:
                try:
                    leaders = probe.leaders(self.topic)
                except OSError:
                    continue
                if all(leaders.get(partition, -1) not in (-1, self.dead) for partition in self.partitions):
                    self.seconds = time.monotonic() - self.killed_at
                    return
            time.sleep(0.002)

    def finish(self):
        self.join()
        for probe in self.probes:
            probe.close()
        assert self.seconds is not None, f"no new leader for {self.partitions} within 30 s"
        return self.seconds


def led_by(cluster, topic):
    """{node: [partitions that it leads]}"""
    led = {}
    for partition, (leader, _, _) in cluster.partitions(topic).items():
        led.setdefault(leader, []).append(partition)
    return led


def kill_and_restart(cluster, stream, topic, node, partitions):
    """Kills a node, waits until all its partitions are written again, restarts it and waits for all replicas.

    Returns the gap as the server and as the client saw it."""
    watch = ServerGap(cluster, topic, node, partitions)
    os.kill(cluster.process_of(node), 9)
    watch.begin()
    killed = watch.killed_at
    server = watch.finish()
    wait_until(
        lambda: all(stream.last_answer(partition) > killed + 0.05 for partition in partitions), 60,
        "the stream goes on after the kill",
    )
    time.sleep(0.3)
    client = stream.gap(partitions, killed, time.monotonic())
    wait_until(lambda: cluster.start(node) or True, 10, "the killed node starts again")
    cluster.wait_in_sync(topic)
    return server, client


def test_nothing_is_lost_when_leaders_and_controllers_are_killed(own_cluster):
    cluster, topic = own_cluster, fresh("steady")
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, PARTITIONS) as stream:
        time.sleep(2)
        gaps = {"leader": [], "both": []}
        moves = 0
        while min(len(gaps["leader"]), len(gaps["both"])) < KILLS:
            controller, led = cluster.active_controller(), led_by(cluster, topic)
            others = [node for node in led if node != controller]
            if controller in led and len(gaps["both"]) < KILLS:
                kind, node = "both", controller
            elif others and len(gaps["leader"]) < KILLS:
                kind, node = "leader", others[0]
            else:
                # What is still wanted is not there: leaderships are moved in order, which is no kill.
                kind, node = None, (others or [controller])[0]
                moves += 1
                assert moves < 10 * KILLS + 10, "leader and controller do not come together"
            if kind:
                gaps[kind].append(kill_and_restart(cluster, stream, topic, node, led[node]))
            else:
                cluster.stop(node)
                cluster.start(node)
                cluster.wait_in_sync(topic)
            time.sleep(0.5)
    for kind, pairs in gaps.items():
        print(f"GAP {kind} server: {percentiles([server for server, _ in pairs])}")
        print(f"GAP {kind} client: {percentiles([client for _, client in pairs])}")
    count = sum(map(len, stream.acknowledged.values()))
    print(f"{count} records acknowledged, {len(stream.failed)} failed")
    assert not stream.failed, stream.failed[0]
    assert stream.unanswered == 0
    found = read_all(cluster.bootstrap, topic, PARTITIONS)
    assert check(stream, found) == []
    cluster.wait_in_sync(topic)
    cluster.down()
    for partition in range(PARTITIONS):
        folders = [cluster.data(node) / f"{topic}-{partition}" for node in cluster.nodes]
        assert differences(folders) == []
