"""Two real applications that are exactly-once: each is killed without warning in the middle and started again."""

import collections
import json
import os
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from harness import fresh, free_base_port, wait_until
from test_transactions import until_committed

BUILD = Path(__file__).resolve().parents[2] / ".build"
CONNECT_LIBRARIES = os.environ.get("MARTLET_CONNECT_LIBRARIES", str(BUILD / "connect-libraries"))
QUIX_PYTHON = os.environ.get("MARTLET_QUIX_PYTHON", str(BUILD / "quix/bin/python"))
LINES = 2_000

WORKER = """
bootstrap.servers={servers}
group.id={name}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.topic={name}-offsets
config.storage.topic={name}-configs
status.storage.topic={name}-status
offset.storage.partitions=3
status.storage.partitions=1
exactly.once.source.support=enabled
offset.flush.interval.ms=500
scheduled.rebalance.max.delay.ms=1000
listeners=http://127.0.0.1:{port}
plugin.discovery=service_load
"""


class ConnectWorker:
    """A distributed worker of Kafka Connect 4.3.0."""

    def __init__(self, cluster, folder):
        self.folder, self.name, self.port = folder, fresh("connect"), free_base_port()
        self.properties = folder / "worker.properties"
        self.properties.write_text(WORKER.format(servers=cluster.bootstrap, name=self.name, port=self.port))
        stand_in = Path(__file__).parent / "java" / "SecurityHandler.java"
        subprocess.run(
            ["javac", "-cp", f"{CONNECT_LIBRARIES}/*", "-d", str(folder / "classes"), str(stand_in)], check=True)
        self.process = None

    def start(self):
        with open(self.folder / "worker.log", "ab") as log:
            self.process = subprocess.Popen(
                ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp",
                 f"{CONNECT_LIBRARIES}/*:{self.folder / 'classes'}",
                 "org.apache.kafka.connect.cli.ConnectDistributed", str(self.properties)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.ask("/")["version"] == "4.3.0", 90, "the worker answers")

    def ask(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method="PUT" if body else "GET",
            data=json.dumps(body).encode() if body else None, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def is_running(self, connector):
        status = self.ask(f"/connectors/{connector}/status")
        assert not any(task["state"] == "FAILED" for task in status["tasks"]), status
        return status["tasks"] and all(task["state"] == "RUNNING" for task in status["tasks"])

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def read_count(cluster, topic):
    """How many committed records a topic of one partition shows."""
    return len(values(cluster, topic))


def values(cluster, topic, partitions=1):
    """All that is committed, as key and value."""
    reader = Consumer({
        "bootstrap.servers": cluster.bootstrap, "group.id": fresh("reader"), "enable.auto.commit": False,
        "isolation.level": "read_committed", "enable.partition.eof": True})
    reader.assign([TopicPartition(topic, index, 0) for index in range(partitions)])
    found, ended, deadline = [], set(), time.monotonic() + 30
    while len(ended) < partitions and time.monotonic() < deadline:
        for message in reader.consume(500, 0.2):
            if not message.error():
                found.append((message.key(), message.value()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
    reader.close()
    return found


def test_connect_copies_each_line_once_though_its_worker_is_killed(cluster, tmp_path):
    topic, connector = fresh("lines"), fresh("file")
    cluster.create_topic(topic, partitions=1)
    source = tmp_path / "lines.txt"
    lines = [b"line %05d" % number for number in range(LINES)]
    source.write_bytes(b"".join(line + b"\n" for line in lines[:LINES // 2]))
    worker = ConnectWorker(cluster, tmp_path)
    try:
        worker.start()
        settings = {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
            "file": str(source), "topic": topic, "batch.size": "50", "exactly.once.support": "required",
            "transaction.boundary": "poll"}
        wait_until(lambda: worker.ask(f"/connectors/{connector}/config", settings), 60, "the connector is made")
        wait_until(lambda: read_count(cluster, topic) > 100, 60, "lines come")
        # In the middle of a batch, or between two: whatever it is doing.
        with source.open("ab") as more:
            more.write(b"".join(line + b"\n" for line in lines[LINES // 2:]))
        worker.kill()
        worker.start()
        # The killed worker is a member until its session ends, and a virtual machine needs time to start.
        wait_until(lambda: worker.is_running(connector), 150, "the connector goes on")
        until_committed(cluster, topic, lines)
    finally:
        worker.kill()
        if worker.process is not None and (tmp_path / "worker.log").exists():
            print((tmp_path / "worker.log").read_text(errors="replace")[-6_000:])


WORD_COUNT = """
import sys
from quixstreams import Application

servers, group, source, target, state = sys.argv[1:6]
application = Application(
    broker_address=servers, consumer_group=group, auto_offset_reset="earliest", processing_guarantee="exactly-once",
    commit_interval=0.3, state_dir=state, auto_create_topics=True, loglevel="INFO",
    consumer_extra_config={"session.timeout.ms": 6000}, producer_extra_config={"transaction.timeout.ms": 10000})
words = application.topic(source, key_deserializer="str", value_deserializer="str")
counts = application.topic(target, key_serializer="str", value_serializer="int")

def count(word, state):
    total = state.get("total", 0) + 1
    state.set("total", total)
    return total

frame = application.dataframe(words)
frame = frame.apply(count, stateful=True)
frame.to_topic(counts)
application.run()
"""


def test_quixstreams_counts_words_rightly_though_it_is_killed(cluster, tmp_path):
    source, target, group = fresh("words"), fresh("counts"), fresh("counter")
    for topic in (source, target):
        cluster.create_topic(topic, partitions=2)
    program = tmp_path / "count.py"
    program.write_text(WORD_COUNT)
    words = ["apple", "pear", "plum", "quince", "medlar"]
    writer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})

    def write():
        for number in range(1_000):
            writer.produce(source, words[number % len(words)], key=words[number % len(words)])
            writer.poll(0)
            # Over some of the application's transactions.
            time.sleep(0.003)
        writer.flush(60)

    writing = threading.Thread(target=write, daemon=True)

    def start():
        with open(tmp_path / "count.log", "ab") as log:
            return subprocess.Popen(
                [QUIX_PYTHON, str(program), cluster.bootstrap, group, source, target, str(tmp_path / "state")],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def counts():
        """word → all counts that were told of it"""
        told = collections.defaultdict(list)
        for key, value in values(cluster, target, partitions=2):
            told[key.decode()].append(int.from_bytes(value, "big"))
        return told

    process = start()
    try:
        writing.start()
        wait_until(lambda: sum(map(len, counts().values())) >= 100, 90, "words are counted")
        process.kill()
        process.wait()
        process = start()
        writing.join(60)
        wait_until(lambda: sum(map(len, counts().values())) >= 1_000, 90, "all words are counted")
        # Each count was told once, in its order: nothing was counted twice, nothing left out.
        assert counts() == {word: list(range(1, 201)) for word in words}
    finally:
        process.kill()
        process.wait()
        print((tmp_path / "count.log").read_text(errors="replace")[-6_000:])
