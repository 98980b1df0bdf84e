"""An operator who means no good, on three nodes under load: by hand, as it takes minutes.

    python Tests/Clients/hostile_operator.py --seed 1 --minutes 20

Moves partitions while nodes are killed, deletes and makes topics again while they move, changes settings, features and
throttles, strikes brokers off the register, pauses and stops them. Each minute it takes its hands off: then every
reassignment must end, every replica must be in sync, and every directory must belong to a replica. In the end every
acknowledged record is there once and in order, and all replicas are byte-equal. The seed is that of the operator; what
the cluster makes of it depends on the machine.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import time

from batches import differences
from harness import MARTLET, Cluster, MartletError, wait_until
from steady_stream import SteadyStream, check, read_all

# Topic: partitions, replicas. The first two carry the streams and are never deleted.
TOPICS = {"steady": (3, 3), "roaming": (4, 2), "brief": (2, 2), "short": (3, 3)}
STREAMS = {"steady": 300, "roaming": 200}
RATES = ["leader.replication.throttled.rate", "follower.replication.throttled.rate"]
TOPIC_SETTINGS = [
    "min.insync.replicas=1", "min.insync.replicas=2", "min.insync.replicas=3", "flush.on.ack=false",
    "flush.on.ack=true", "max.message.bytes=2000000", "leader.replication.throttled.replicas=*",
    "follower.replication.throttled.replicas=*",
]
BROKER_SETTINGS = [f"{rate}=100000" for rate in RATES] + ["num.replica.fetchers=2", "log.cleaner.threads=2"]
ELR = "eligible.leader.replicas.version"
FEATURES = [
    ["disable", "--feature", ELR], ["upgrade", "--feature", f"{ELR}=1"],
    ["downgrade", "--feature", "metadata.version=25"], ["upgrade", "--feature", "metadata.version=29"],
]


class Operator:
    def __init__(self, cluster, seed, pause):
        self.cluster = cluster
        self.random = random.Random(seed)
        self.pause = pause
        self.began = time.monotonic()
        self.down = set()
        self.paused = set()
        self.plans = []
        self.deeds = {
            self.reassign: 8, self.cancel: 2, self.verify: 1, self.kill: 4, self.kill_controller: 1, self.start: 6,
            self.freeze: 1, self.thaw: 3, self.make_again: 3, self.add_partitions: 1, self.set_topic: 3,
            self.set_broker: 2, self.elect: 2, self.change_feature: 1, self.unregister: 1,
        }

    def say(self, *words):
        print(f"{time.monotonic() - self.began:7.1f}", *words, flush=True)

    def tool(self, name, *arguments):
        command = [MARTLET, *name.split(), "--bootstrap-server", self.cluster.bootstrap, *map(str, arguments)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            self.say("no end:", *command[1:])
            return None, ""
        return done.returncode, (done.stdout + done.stderr).strip()

    def deed(self, name, *arguments):
        code, text = self.tool(name, *arguments)
        self.say(name, *arguments, f"-> {code}", text.splitlines()[-1:] if code else "")

    def some_topic(self):
        return self.random.choice(list(TOPICS))

    def living(self):
        return [node for node in self.cluster.nodes if node not in self.down | self.paused]

    # what it does

    def reassign(self):
        topic = self.some_topic()
        count = TOPICS[topic][0]
        moves = [
            # The stream that needs two replicas in sync keeps them.
            {"topic": topic, "partition": partition, "replicas": self.random.sample(
                [1, 2, 3], self.random.randint(2 if topic == "steady" else 1, 3))}
            for partition in self.random.sample(range(count), self.random.randint(1, count))
        ]
        path = self.cluster.directory / f"plan-{len(self.plans)}.json"
        path.write_text(json.dumps({"version": 1, "partitions": moves}))
        self.plans.append(path)
        throttle = ["--throttle", self.random.choice([20_000, 1_000_000])] if self.random.random() < 0.4 else []
        self.say("to", topic, [(move["partition"], move["replicas"]) for move in moves])
        self.deed("reassign-partitions", "--execute", "--additional", "--reassignment-json-file", path, *throttle)

    def cancel(self):
        if self.plans:
            plan = self.random.choice(self.plans[-3:])
            self.deed("reassign-partitions", "--cancel", "--reassignment-json-file", plan)

    def verify(self):
        if self.plans:
            self.deed("reassign-partitions", "--verify", "--reassignment-json-file", self.plans[-1])

    def kill(self):
        if len(self.down | self.paused) < (2 if self.random.random() < 0.3 else 1):
            self.take_down(self.random.choice(self.living()), self.random.choice(["kill", "kill", "stop"]))

    def kill_controller(self):
        if not self.down | self.paused and (node := self.cluster.active_controller()) > 0:
            self.take_down(node, "kill")

    def take_down(self, node, how):
        self.say(how, node)
        self.down.add(node)
        self.cluster.run(how, node)

    def start(self):
        if self.down:
            node = self.random.choice(sorted(self.down))
            self.say("start", node)
            self.cluster.start(node)
            self.down.discard(node)

    def freeze(self):
        if not self.down | self.paused:
            node = self.random.choice(self.living())
            self.say("pause", node)
            self.cluster.pause(node)
            self.paused.add(node)

    def thaw(self):
        for node in sorted(self.paused):
            self.say("resume", node)
            self.cluster.resume(node)
            self.paused.discard(node)

    def make(self, topic):
        partitions, factor = TOPICS[topic]
        counts = ["--partitions", partitions, "--replication-factor", factor]
        least = ["--config", "min.insync.replicas=1"] if topic == "roaming" else []
        return self.tool("topics", "--create", "--topic", topic, *counts, *least)

    def make_again(self):
        topic = self.random.choice([name for name in TOPICS if name not in STREAMS])
        gone = self.tool("topics", "--delete", "--topic", topic)[0]
        self.say("delete", topic, gone, "create", self.make(topic)[0])

    def add_partitions(self):
        topic = self.random.choice([name for name in TOPICS if name not in STREAMS])
        self.deed("topics", "--alter", "--topic", topic, "--partitions", TOPICS[topic][0] + self.random.randint(1, 3))

    def set_topic(self):
        topic, setting = self.some_topic(), self.random.choice(TOPIC_SETTINGS)
        if topic in STREAMS and setting[:5] in ("min.i", "flush"):
            return
        self.deed("configs", "--alter", "--topic", topic, "--add-config", setting)

    def set_broker(self):
        setting = self.random.choice(BROKER_SETTINGS)
        target = self.random.choice([["--broker", 1], ["--broker", 2], ["--broker", 3], ["--broker-defaults"]])
        self.deed("configs", "--alter", *target, "--add-config", setting)

    def elect(self):
        self.deed("leader-election", "--election-type", "preferred", "--all-topic-partitions")

    def change_feature(self):
        verb, *what = self.random.choice(FEATURES)
        self.deed(f"features {verb}", *what)

    def unregister(self):
        node = self.random.choice(list(self.cluster.nodes))
        if node not in self.paused:
            self.deed("kafka-cluster unregister", "--id", node)

    # hands off

    def mischief(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            deed = self.random.choices(list(self.deeds), list(self.deeds.values()))[0]
            try:
                deed()
            except MartletError as error:
                self.say(deed.__name__, "failed:", error)
            time.sleep(self.random.random() * self.pause)

    def heal(self):
        self.thaw()
        while self.down:
            self.start()
        targets = [["--broker", node] for node in self.cluster.nodes] + [["--broker-defaults"]]
        for target in targets:
            for rate in RATES:
                self.tool("configs", "--alter", *target, "--delete-config", rate)
        wait_until(self.nothing_moves, 120, "every reassignment ends")
        wait_until(self.all_in_sync, 120, "every replica is in sync")
        wait_until(lambda: not self.misplaced() or fail(self.misplaced()), 30, "every directory is a replica's")
        self.say("healed")

    def nothing_moves(self):
        code, text = self.tool("reassign-partitions", "--list")
        return "No partition reassignments found." in text or fail(text)

    def all_in_sync(self):
        for lack in ("--under-replicated-partitions", "--unavailable-partitions"):
            code, text = self.tool("topics", "--describe", lack)
            if code or text:
                fail(text)
        return True

    def replicas(self):
        """{(topic, partition): the nodes that hold it}"""
        lines = re.findall(
            r"^\tTopic: (\S+)\tPartition: (\d+)\t.*\tReplicas: (\S+)\t", self.tool("topics", "--describe")[1], re.M
        )
        return {(topic, int(number)): [int(node) for node in nodes.split(",")] for topic, number, nodes in lines}

    def misplaced(self):
        """Directories without a replica and replicas without a directory; what was set aside is neither."""
        held = {(node, f"{topic}-{number}") for (topic, number), nodes in self.replicas().items() for node in nodes}
        there = {
            (node, path.name)
            for node in self.cluster.nodes for path in self.cluster.data(node).iterdir()
            if path.is_dir() and not path.name.startswith("__cluster_metadata") and not path.name.endswith("-stray")
        }
        return sorted(held ^ there)


def fail(text):
    raise AssertionError(text)


def judge(operator, streams):
    """What is wrong in the end."""
    cluster, wrong = operator.cluster, []
    for stream in streams:
        wrong += [f"{stream.topic}: refused {failure}" for failure in stream.failed[:3]]
        wrong += [f"{stream.topic}: {fault}" for fault in check(
            stream, read_all(cluster.bootstrap, stream.topic, stream.partitions))]
    replicas = operator.replicas()
    cluster.down()
    for topic in STREAMS:
        for number in range(TOPICS[topic][0]):
            folders = [cluster.data(node) / f"{topic}-{number}" for node in replicas[(topic, number)]]
            wrong += differences(folders)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--pause", type=float, default=0.5, help="longest wait between two deeds, in seconds")
    options = parser.parse_args()
    cluster = Cluster(overrides=["min.insync.replicas=2", "leader.imbalance.check.interval.seconds=15"]).up()
    operator = Operator(cluster, options.seed, options.pause)
    streams = [SteadyStream(cluster.bootstrap, topic, TOPICS[topic][0], rate) for topic, rate in STREAMS.items()]
    try:
        for topic in TOPICS:
            operator.make(topic)
            cluster.wait_in_sync(topic)
        for stream in streams:
            stream.start()
        end = time.monotonic() + options.minutes * 60
        while time.monotonic() < end:
            operator.mischief(60)
            operator.heal()
        for stream in streams:
            stream.stopping.set()
        for stream in streams:
            stream.join()
        wrong = judge(operator, streams)
    except AssertionError as error:
        wrong = [str(error)]
    for fault in wrong:
        print(fault)
    acknowledged = sum(len(answers) for stream in streams for answers in stream.acknowledged.values())
    print(f"seed {options.seed}: {acknowledged} records acknowledged, {len(wrong)} faults")
    if wrong:
        print(f"what the nodes left is in {cluster.directory}")
        cluster.run("down", check=False)
        sys.exit(1)
    cluster.destroy()


if __name__ == "__main__":
    main()
