"""Drives a cluster of real node processes through `martlet cluster`, for tests with real clients."""

import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

MARTLET = os.environ.get("MARTLET", str(Path(__file__).resolve().parents[2] / ".build/debug/martlet"))


class MartletError(Exception):
    """A tool ended with another exit code than 0."""


def martlet(*arguments, check=True, stdin=None, timeout=120):
    """Runs a tool and returns its standard output."""
    done = subprocess.run(
        [MARTLET, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=timeout
    )
    if check and done.returncode != 0:
        raise MartletError(f"martlet {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done.stdout


def free_base_port():
    """A base port with room for the nodes, their controllers and the administration."""
    # Both below the ports that the kernel gives to outgoing connections. Runs at the same time have ports of their own.
    first, last = (14_000, 16_000) if os.environ.get("MARTLET_PORT_LANE") == "2" else (11_000, 14_000)
    for base in range(first + os.getpid() % 150 * 10, last, 10):
        ports = [base + distance + node for distance in (0, 5_000, 10_000) for node in range(5)]
        try:
            for port in ports:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports")


def wait_until(condition, seconds, what):
    """Polls until `condition()` is true and returns its value."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except Exception as error:  # the cluster is on its way
            last = error
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}" + (f" (last error: {last})" if last else ""))


def fresh(name):
    """A name that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


class Cluster:
    """A cluster of node processes in a directory of its own."""

    def __init__(self, nodes=3, overrides=(), directory=None):
        self.node_count = nodes
        self.base_port = free_base_port()
        self.directory = Path(directory or tempfile.mkdtemp(prefix="martlet-clients-"))
        self.path = self.directory / "cluster"
        self.overrides = list(overrides)

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{self.port(node)}" for node in self.nodes)

    @property
    def nodes(self):
        return range(1, self.node_count + 1)

    def port(self, node):
        return self.base_port + node - 1

    def admin_port(self, node):
        """Where the node serves metrics, health and readiness."""
        return self.port(node) + 5_000

    def run(self, *arguments, **keywords):
        return martlet("cluster", *arguments, "--dir", self.path, **keywords)

    def up(self):
        extra = [word for line in self.overrides for word in ("--override", line)]
        self.run("up", "--nodes", self.node_count, "--base-port", self.base_port, *extra)
        return self

    def kill(self, node):
        self.run("kill", node)

    def start(self, node):
        self.run("start", node)

    def stop(self, node):
        self.run("stop", node)

    def pause(self, node):
        self.run("pause", node)

    def resume(self, node):
        self.run("resume", node)

    def down(self):
        self.run("down")

    def destroy(self):
        try:
            self.run("destroy", check=False)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def process_of(self, node):
        """The pid of a node."""
        return int((self.path / f"node-{node}" / "process").read_text().split()[0])

    def logs(self, node, lines=140):
        text = (self.path / f"node-{node}" / "server.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def data(self, node):
        return self.path / f"node-{node}" / "data"

    # what the cluster says of itself

    def create_topic(self, name, partitions=1, factor=3, **configs):
        extra = [word for key, value in configs.items() for word in ("--config", f"{key.replace('_', '.')}={value}")]
        martlet(
            "topics", "--bootstrap-server", self.bootstrap, "--create", "--topic", name, "--partitions", partitions,
            "--replication-factor", factor, *extra,
        )

    def partitions(self, topic):
        """{partition: (leader or None, [replicas], [isr])} as `topics --describe` shows it."""
        text = martlet("topics", "--bootstrap-server", self.bootstrap, "--describe", "--topic", topic)
        found = {}
        for line in text.splitlines():
            match = re.match(r"\tTopic: \S+\tPartition: (\d+)\tLeader: (\S+)\tReplicas: (\S*)\tIsr: (\S*)", line)
            if match:
                leader = None if match[2] == "none" else int(match[2])
                found[int(match[1])] = (leader, ids(match[3]), ids(match[4]))
        return found

    def all_in_sync(self, topic):
        partitions = self.partitions(topic)
        return partitions and all(leader and len(isr) == len(replicas) for leader, replicas, isr in partitions.values())

    def wait_in_sync(self, topic, seconds=60):
        wait_until(lambda: self.all_in_sync(topic), seconds, f"all replicas of {topic} are in sync")

    def wait_led(self, topic, seconds=60):
        """Every leader has its log: records without acknowledgement, refused before, are not sent a second time."""
        count = len(self.partitions(topic))
        ends = lambda: martlet("get-offsets", "--bootstrap-server", self.bootstrap, "--topic", topic).splitlines()
        wait_until(lambda: len(ends()) == count, seconds, f"all leaders of {topic} answer")

    def active_controller(self):
        text = martlet("metadata-quorum", "--bootstrap-server", self.bootstrap, "describe", "--status")
        return int(re.search(r"LeaderId:\s+(-?\d+)", text)[1])


def ids(text):
    return [int(part) for part in text.split(",") if part]


class MetadataProbe:
    """Asks one broker for the leaders of a topic over the plain protocol (Metadata version 1)."""

    def __init__(self, port, timeout=0.5, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.correlation = 0

    def leaders(self, topic):
        """{partition: leader, -1 where there is none}"""
        self.correlation += 1
        name = topic.encode()
        body = struct.pack(">hhih", 3, 1, self.correlation, 5) + b"probe"
        body += struct.pack(">ih", 1, len(name)) + name
        self.socket.sendall(struct.pack(">i", len(body)) + body)
        frame = self.receive(struct.unpack(">i", self.receive(4))[0])
        return self.parse(frame)

    def receive(self, count):
        received = b""
        while len(received) < count:
            piece = self.socket.recv(count - len(received))
            if not piece:
                raise ConnectionError("closed")
            received += piece
        return received

    @staticmethod
    def parse(frame):
        at = 4

        def take(form):
            nonlocal at
            values = struct.unpack_from(">" + form, frame, at)
            at += struct.calcsize(">" + form)
            return values[0]

        def text():
            nonlocal at
            length = take("h")
            at += max(length, 0)

        for _ in range(take("i")):
            take("i"), text(), take("i"), text()
        take("i")
        leaders = {}
        for _ in range(take("i")):
            take("h"), text(), take("b")
            for _ in range(take("i")):
                take("h")
                partition, leader = take("i"), take("i")
                leaders[partition] = leader
                for _ in range(2):
                    for _ in range(take("i")):
                        take("i")
        return leaders

    def close(self):
        self.socket.close()
