"""Measures how long a machine that falls off the network is missed: by hand, as root.

    python Tests/Clients/silent_network.py --rounds 21

Each of three nodes has a network namespace of its own; its link is cut, so that nothing of it is heard or refused. Told
are the times until another leader is named for all it led, and until all of it is written again by fresh connections.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

from fresh_producer import ProduceConnection
from harness import MARTLET, MetadataProbe, martlet, wait_until
from steady_stream import percentiles

NODES = (1, 2, 3)
PARTITIONS = 3
PORT = 9092
# Longer than a broker's rhythm is remembered.
APART_SECONDS = 22


def ip(*words, check=True):
    subprocess.run(["ip", *map(str, words)], check=check, capture_output=True)


class Machines:
    """Three nodes on a bridge."""

    def __init__(self):
        self.name = f"mt{os.getpid() % 10_000}"
        self.net = f"10.{os.getpid() % 100 + 100}.77"
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-network-"))
        self.processes = []

    def address(self, node):
        return f"{self.net}.{node}"

    @property
    def bootstrap(self):
        return ",".join(f"{self.address(node)}:{PORT}" for node in NODES)

    def up(self):
        ip("link", "add", self.name, "type", "bridge")
        ip("addr", "add", f"{self.net}.254/24", "dev", self.name)
        ip("link", "set", self.name, "up")
        cluster = martlet("storage", "random-uuid").strip()
        for node in NODES:
            space, here, there = f"{self.name}n{node}", f"{self.name}h{node}", f"{self.name}t{node}"
            ip("netns", "add", space)
            ip("link", "add", here, "type", "veth", "peer", "name", there)
            ip("link", "set", there, "netns", space)
            ip("link", "set", here, "master", self.name, "up")
            ip("-n", space, "addr", "add", f"{self.address(node)}/24", "dev", there)
            ip("-n", space, "link", "set", there, "up")
            ip("-n", space, "link", "set", "lo", "up")
            self.start(node, space, cluster)
        return self

    def start(self, node, space, cluster):
        address = self.address(node)
        settings = [
            "process.roles=broker,controller", f"node.id={node}", f"cluster.id={cluster}",
            "controller.quorum.voters=" + ",".join(f"{one}@{self.address(one)}:{PORT + 1}" for one in NODES),
            "controller.listener.names=CONTROLLER",
            f"listeners=PLAINTEXT://{address}:{PORT},CONTROLLER://{address}:{PORT + 1}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            f"log.dirs={self.folder}/data-{node}", "default.replication.factor=3", "min.insync.replicas=2",
        ]
        words = [word for line in settings for word in ("--override", line)]
        log = open(self.folder / f"node-{node}.log", "w")
        self.processes.append(
            subprocess.Popen(
                ["ip", "netns", "exec", space, MARTLET, "server", *words], stdout=log, stderr=log,
                start_new_session=True))

    def link(self, node, state):
        ip("link", "set", f"{self.name}h{node}", state)

    def leaders(self, topic, node):
        probe = MetadataProbe(PORT, 0.5, self.address(node))
        try:
            return probe.leaders(topic)
        finally:
            probe.close()

    def down(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for node in NODES:
            ip("netns", "del", f"{self.name}n{node}", check=False)
        ip("link", "del", self.name, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def write_afresh(machines, topic, partition, gone, done):
    """Sends one record by a new connection to whoever leads the partition, until one is acknowledged."""
    others = [node for node in NODES if node != gone]
    turn = 0
    while partition not in done:
        turn += 1
        try:
            leader = machines.leaders(topic, others[turn % 2]).get(partition, -1)
            if leader not in (-1, gone):
                connection = ProduceConnection(PORT, 1.0, machines.address(leader))
                if connection.produce(topic, partition) == 0:
                    done[partition] = time.monotonic()
                connection.close()
        except OSError:
            pass
        time.sleep(0.01)


def cut_off(machines, topic, node, partitions):
    """Cuts a node's link; gives when others were named, and when all it led was written. Then mends the link."""
    other = next(one for one in NODES if one != node)
    done = {}
    began = time.monotonic()
    machines.link(node, "down")
    threads = [
        threading.Thread(target=write_afresh, args=(machines, topic, partition, node, done)) for partition in partitions
    ]
    for thread in threads:
        thread.start()
    wait_until(
        lambda: all(machines.leaders(topic, other).get(one, -1) not in (-1, node) for one in partitions), 30,
        "others lead")
    named = time.monotonic() - began
    for thread in threads:
        thread.join()
    machines.link(node, "up")
    return named, max(done.values()) - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    machines = Machines()
    try:
        machines.up()
        topic = f"silent-{uuid.uuid4().hex[:8]}"
        create = ["topics", "--bootstrap-server", machines.bootstrap, "--create", "--topic", topic]
        wait_until(
            lambda: martlet(*create, "--partitions", PARTITIONS, "--replication-factor", 3) or True, 30, "it is up")
        times = []
        for turn in range(options.rounds):
            time.sleep(APART_SECONDS if turn else 8)
            leaders = wait_until(lambda: machines.leaders(topic, 1 + turn % 3), 30, "leaders are known")
            # Each of them in turn, if it leads something.
            node = next(one for one in (1 + turn % 3, *NODES) if one in leaders.values())
            times.append(cut_off(machines, topic, node, [one for one, leader in leaders.items() if leader == node]))
        print(f"CUT OFF server: {percentiles([one for one, _ in times])}")
        print(f"CUT OFF fresh connection: {percentiles([one for _, one in times])}; load {os.getloadavg()[0]:.0f}")
    finally:
        machines.down()


if __name__ == "__main__":
    main()
