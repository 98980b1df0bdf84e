"""Nodes that fall silent without dying: their leaderships move, and what they say when they wake does no harm.

MARTLET_SILENCES says how many of each kind (default 2; the long run takes 25). From three on they are so far apart that
none is judged by the one before: who paused, or was held up, of late is given more time, and is no witness.

With MARTLET_JAVA=1 a Java producer with its default settings writes beside the stream, and its gaps are printed: it
waits for `request.timeout.ms`, 30 s, so each silence takes as long.
"""

import contextlib
import os
import re
import subprocess
import threading
import time

from batches import differences
from fresh_producer import FreshProducer
from harness import fresh, wait_until
from steady_stream import SteadyStream, check, percentiles, read_all
from test_java import command as java_command
from test_kills import ServerGap, led_by

BESIDE_JAVA = os.environ.get("MARTLET_JAVA") == "1"
SILENCES = int(os.environ.get("MARTLET_SILENCES", "2"))
PARTITIONS = 3
# Longer than a broker's rhythm is remembered.
APART_SECONDS = 0.5 if SILENCES < 3 else 22
# Of a machine that has time; a busy one falls back on the session of 3 s, and takes its time for the rest.
SERVER_BOUND = 8
CLIENT_BOUND = 12


class JavaStream(threading.Thread):
    """A Java producer with its default settings."""

    # Longer than its `request.timeout.ms`.
    PATIENCE_SECONDS = 45

    def __init__(self, cluster, topic):
        super().__init__(daemon=True)
        self.process = subprocess.Popen(
            java_command("SteadyProducer.java", cluster.bootstrap, topic, PARTITIONS), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "BEGUN\n"
        self.silences = []

    def stop(self):
        output, _ = self.process.communicate("stop\n", timeout=180)
        self.answers = [line.split() for line in output.splitlines() if line[:1].isdigit()]
        assert output.endswith("DONE\n") and "FAILED" not in output, output[-500:]

    def gap(self, partitions, began):
        """How long after the silence began each of the partitions acknowledged what was sent after it."""
        worst = 0.0
        for partition in partitions:
            times = sorted(int(at) / 1e9 for number, at in self.answers if int(number) == partition)
            worst = max([worst, *(b - a for a, b in zip(times, times[1:]) if b >= began and a <= began + 1)])
        return worst


@contextlib.contextmanager
def java_beside(cluster, topic):
    """Runs a Java producer where it is asked for; gives None where not."""
    stream = JavaStream(cluster, topic) if BESIDE_JAVA else None
    yield stream
    if stream:
        stream.stop()


def fall_silent(cluster, topic, node, partitions, java=None):
    """Stops a node's process; returns when another leader is named for all it led, and when one on each of them
    acknowledges a record that comes by a fresh connection. Then lets it go on."""
    watch = ServerGap(cluster, topic, node, partitions)
    producers = [FreshProducer(cluster, topic, partition, avoid=node) for partition in partitions]
    cluster.pause(node)
    try:
        watch.begin()
        for producer in producers:
            producer.start()
        server = watch.finish()
        client = max(producer.finish() for producer in producers) - watch.killed_at
        if java:
            java.silences.append((partitions, watch.killed_at))
            time.sleep(JavaStream.PATIENCE_SECONDS)
    finally:
        cluster.resume(node)
    cluster.wait_in_sync(topic)
    return server, client


def fences(cluster):
    """How often each rule fenced a broker, as the logs of all nodes tell it."""
    rules = {}
    for node in cluster.nodes:
        for rule in re.findall(r"broker fenced: .*rule=(R\d)", cluster.logs(node, lines=1_000_000)):
            rules[rule] = rules.get(rule, 0) + 1
    return rules


def silences(cluster, wanted):
    """Silences of leaders that are, or are not, the active controller as well, under a stream."""
    topic = fresh("silent")
    cluster.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    settings = {"socket.timeout.ms": 2_000}
    with (
        SteadyStream(cluster.bootstrap, topic, PARTITIONS, rate=300, **settings) as stream,
        java_beside(cluster, topic) as java,
    ):
        time.sleep(2)
        gaps, tries = [], 0
        while len(gaps) < SILENCES:
            controller, led = cluster.active_controller(), led_by(cluster, topic)
            fitting = [node for node in led if node and (node == controller) == (wanted == "both")]
            if fitting:
                gaps.append(fall_silent(cluster, topic, fitting[0], led[fitting[0]], java))
            else:
                tries += 1
                assert tries < 10 * SILENCES + 10, f"leader and controller do not come to be {wanted}"
                node = next((node for node in led if node and node != controller), controller)
                cluster.stop(node)
                cluster.start(node)
                cluster.wait_in_sync(topic)
            time.sleep(APART_SECONDS)
    print(f"SILENT {wanted} server: {percentiles([server for server, _ in gaps])}")
    print(f"SILENT {wanted} fresh connection: {percentiles([client for _, client in gaps])}")
    if java:
        gaps_of_java = [java.gap(partitions, began) for partitions, began in java.silences]
        print(f"SILENT {wanted} Java producer, default settings: {percentiles(gaps_of_java)}")
    print(f"SILENT {wanted} rules: {fences(cluster)}; load {os.getloadavg()[0]:.0f}")
    assert not stream.failed, stream.failed[0]
    assert stream.unanswered == 0
    found = read_all(cluster.bootstrap, topic, PARTITIONS)
    # The records of the fresh connections have no number.
    numbered = {partition: [one for one in records if one[0] >= 0] for partition, records in found.items()}
    assert check(stream, numbered) == []
    cluster.wait_in_sync(topic)
    cluster.down()
    for partition in range(PARTITIONS):
        assert differences([cluster.data(node) / f"{topic}-{partition}" for node in cluster.nodes]) == []
    assert max(server for server, _ in gaps) < SERVER_BOUND
    assert max(client for _, client in gaps) < CLIENT_BOUND


def test_a_silent_leader_is_replaced_and_nothing_is_lost(own_cluster):
    silences(own_cluster, "leader")


def test_a_silent_leader_that_is_the_active_controller_is_replaced_and_nothing_is_lost(own_cluster):
    silences(own_cluster, "both")
