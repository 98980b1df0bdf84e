"""The coordinator is killed while clients of each kind work: groups by every assignor and protocol, static members, and
consume-transform-produce in transactions. Whatever a test looks at has one node as its coordinator: that one dies."""

import asyncio
import os
import subprocess
import threading
import time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from aiokafka.errors import KafkaError as AioError
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError as PythonError
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as PythonPartition

from harness import Cluster, fresh, martlet, wait_until
from test_java import command
from test_transactions import producer as confluent_producer
from test_transactions import until_committed

PARTITIONS = 3
RECORDS = 300


@pytest.fixture(scope="module")
def standing_cluster():
    cluster = Cluster(nodes=3, overrides=["group.initial.rebalance.delay.ms=100", "offsets.topic.num.partitions=9",
                                          "transaction.state.log.num.partitions=9"])
    try:
        cluster.up()
        # Both topics of coordinators are made when somebody asks for one.
        sender = confluent_producer(cluster, fresh("first"))
        Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "first"}).committed(
            [TopicPartition("none", 0)], 10)
        del sender
        yield cluster
    finally:
        cluster.destroy()


@pytest.fixture
def hurt_cluster(standing_cluster):
    """One cluster whose nodes are killed and come back, test after test."""
    yield standing_cluster
    for node in standing_cluster.nodes:
        try:
            os.kill(standing_cluster.process_of(node), 0)
        except (OSError, ValueError, IndexError):
            # A test has failed on the way.
            revive(standing_cluster, node, [])


def name_at(cluster, prefix, node, topic="__consumer_offsets"):
    """A group, or a transactional id, that this node coordinates."""
    partitions = wait_until(
        lambda: node in [place[0] for place in cluster.partitions(topic).values()] and cluster.partitions(topic), 30,
        f"node {node} coordinates something")

    def leader(name):
        number = 0
        for unit in name:
            number = (number * 31 + ord(unit)) & 0xFFFFFFFF
        return partitions[(number & 0x7FFFFFFF) % len(partitions)][0]

    return next(name for name in (fresh(prefix) for _ in range(10_000)) if leader(name) == node)


def transactional_id_at(cluster, prefix, node):
    return name_at(cluster, prefix, node, "__transaction_state")


def revive(cluster, node, topics):
    cluster.start(node)
    for topic in (*topics, "__consumer_offsets", "__transaction_state"):
        cluster.wait_in_sync(topic)
    # It is to coordinate something in the next test.
    martlet("leader-election", "--bootstrap-server", cluster.bootstrap, "--election-type", "preferred",
            "--all-topic-partitions", check=False)


class JavaProgram:
    """A program that tells how far it is, and goes on when it is told to."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.errors = [], []
        self.threads = [threading.Thread(target=self.collect, args=pair, daemon=True) for pair in (
            (self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def collect(stream, lines):
        for line in stream:
            lines.append(line.strip())

    def wait_for(self, line, seconds=150):
        def is_there():
            if line in self.lines:
                return True
            if self.process.poll() is not None:
                for thread in self.threads:
                    thread.join(5)
                return line in self.lines or "ended"
            return False

        found = wait_until(is_there, seconds, f"{line} of {self.lines[-5:]}")
        assert found is True, "\n".join(self.lines[-20:] + self.errors[-40:])

    def go_on(self):
        self.process.stdin.write("on\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def java_program():
    running = []

    def start(*arguments):
        running.append(JavaProgram(*arguments))
        return running[-1]

    yield start
    for program in running:
        program.close()


def test_java_groups_of_every_kind(hurt_cluster, java_program):
    cluster, topic, victim = hurt_cluster, fresh("kinds"), 1
    cluster.create_topic(topic, partitions=6)
    kinds = ["Range", "RoundRobin", "Sticky", "CooperativeSticky", "static", "consumer"]
    groups = [f"{kind}={name_at(cluster, kind.lower(), victim)}" for kind in kinds]
    program = java_program("GroupsThroughAKill.java", cluster.bootstrap, topic, *groups)
    program.wait_for("READY")
    cluster.kill(victim)
    program.go_on()
    program.wait_for("DIVIDED")
    revive(cluster, victim, [topic])
    program.go_on()
    program.wait_for("DONE")


class Source:
    """Numbered records to be passed on, each once."""

    def __init__(self, cluster):
        self.cluster, self.name, self.target = cluster, fresh("source"), fresh("target")
        for topic in (self.name, self.target):
            cluster.create_topic(topic, partitions=PARTITIONS)
        writer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
        for number in range(RECORDS):
            writer.produce(self.name, b"%03d" % number, partition=number % PARTITIONS)
        assert writer.flush(60) == 0

    def check(self):
        until_committed(
            self.cluster, self.target, [b"did %03d" % number for number in range(RECORDS)], partitions=PARTITIONS)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_java_passes_on_each_record_once(hurt_cluster, java_program, protocol):
    cluster, victim = hurt_cluster, 2
    source = Source(cluster)
    program = java_program(
        "PipeThroughAKill.java", cluster.bootstrap, source.name, source.target, name_at(cluster, "pipe", victim),
        transactional_id_at(cluster, "pipe", victim), protocol, RECORDS)
    program.wait_for("READY")
    cluster.kill(victim)
    program.wait_for("DONE", 180)
    revive(cluster, victim, [source.name, source.target])
    source.check()


class Pipe(threading.Thread):
    """An application that passes records on in transactions, and is started again when one of them fails."""

    def __init__(self, life):
        super().__init__(daemon=True)
        self.life, self.committed, self.stopping, self.failure, self.lives = life, 0, threading.Event(), None, 0

    def run(self):
        try:
            while not self.stopping.is_set():
                self.lives += 1
                self.life(self)
        except Exception as error:  # shown by the test
            self.failure = error

    def moved(self):
        self.committed += 1
        time.sleep(0.01)


def confluent_life(cluster, source, group, name, protocol):
    def life(pipe):
        reader = Consumer({
            "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "isolation.level": "read_committed", "group.protocol": protocol})
        reader.subscribe([source.name])
        try:
            sender = confluent_producer(cluster, name)
            while not pipe.stopping.is_set():
                records = [record for record in reader.consume(10, 0.2) if record.error() is None]
                if not records:
                    continue
                sender.begin_transaction()
                for record in records:
                    sender.produce(source.target, b"did " + record.value(), partition=record.partition())
                ends = {record.partition(): record.offset() + 1 for record in records}
                sender.send_offsets_to_transaction(
                    [TopicPartition(source.name, partition, end) for partition, end in ends.items()],
                    reader.consumer_group_metadata(), 30)
                sender.commit_transaction(30)
                pipe.moved()
        except KafkaException:
            time.sleep(0.1)
        finally:
            reader.close()

    return life


def bounded(action, seconds):
    """kafka-python 3.0.12 forgets a request whose coordinator it could not connect to, and waits for ever: whoever
    watches over the application starts it again."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"nothing after {seconds} s")


def python_life(cluster, source, group, name):
    def life(pipe):
        servers = cluster.bootstrap.split(",")
        reader = KafkaConsumer(
            source.name, bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False, isolation_level="read_committed", max_poll_records=10)
        sender = KafkaProducer(
            bootstrap_servers=servers, transactional_id=name, transaction_timeout_ms=20_000, request_timeout_ms=3_000)
        try:
            sender.init_transactions()
            while not pipe.stopping.is_set():
                found = reader.poll(200)
                if not found:
                    continue
                sender.begin_transaction()
                ends = {}
                for place, records in found.items():
                    for record in records:
                        sender.send(source.target, b"did " + record.value, partition=record.partition)
                    ends[place] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
                bounded(lambda: sender.send_offsets_to_transaction(ends, reader.group_metadata()), 10)
                bounded(sender.commit_transaction, 10)
                pipe.moved()
        except (PythonError, TimeoutError):
            time.sleep(0.1)
        finally:
            for close in (lambda: reader.close(autocommit=False), lambda: sender.close(timeout=1)):
                try:
                    bounded(close, 5)
                except TimeoutError:
                    pass  # it ends with the process

    return life


def aio_life(cluster, source, group, name):
    async def work(pipe):
        reader = AIOKafkaConsumer(
            source.name, bootstrap_servers=cluster.bootstrap, group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False, isolation_level="read_committed", max_poll_records=10)
        sender = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id=name,
                                  transaction_timeout_ms=20_000)
        try:
            await reader.start()
            await sender.start()
            while not pipe.stopping.is_set():
                found = await reader.getmany(timeout_ms=200)
                if not found:
                    continue
                async with sender.transaction():
                    ends = {}
                    for place, records in found.items():
                        for record in records:
                            await sender.send(source.target, b"did " + record.value, partition=record.partition)
                        ends[AioPartition(place.topic, place.partition)] = records[-1].offset + 1
                    await sender.send_offsets_to_transaction(ends, group)
                pipe.moved()
        except AioError:
            await asyncio.sleep(0.1)
        finally:
            await reader.stop()
            await asyncio.wait_for(sender.stop(), 30)

    return lambda pipe: asyncio.run(work(pipe))


@pytest.mark.parametrize("client", ["confluent classic", "confluent consumer", "kafka-python", "aiokafka"])
def test_each_record_is_passed_on_once(hurt_cluster, client):
    cluster, victim = hurt_cluster, 3
    source = Source(cluster)
    group, name = name_at(cluster, "pipe", victim), transactional_id_at(cluster, "pipe", victim)
    life = {
        "confluent classic": lambda: confluent_life(cluster, source, group, name, "classic"),
        "confluent consumer": lambda: confluent_life(cluster, source, group, name, "consumer"),
        "kafka-python": lambda: python_life(cluster, source, group, name),
        "aiokafka": lambda: aio_life(cluster, source, group, name),
    }[client]()
    pipe = Pipe(life)
    pipe.start()
    try:
        wait_until(lambda: pipe.failure or pipe.committed >= 3, 60, "the first transactions are committed")
        cluster.kill(victim)
        before = pipe.committed
        wait_until(lambda: pipe.failure or pipe.committed > before, 120, "transactions go on at another coordinator")
        revive(cluster, victim, [source.name, source.target])
        source.check()
    finally:
        pipe.stopping.set()
        pipe.join(60)
    assert pipe.failure is None, pipe.failure


def python_member(cluster, topic, group, stopping, seen):
    reader = KafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap.split(","), group_id=group, auto_offset_reset="earliest",
        enable_auto_commit=False, session_timeout_ms=10_000, heartbeat_interval_ms=300)
    while not stopping.is_set():
        for records in reader.poll(200).values():
            seen.update(int(record.value) for record in records)
        try:
            reader.commit()
        except PythonError:
            pass  # the next commit says the same and more
    reader.close(autocommit=False)


def aio_member(cluster, topic, group, stopping, seen):
    async def live():
        reader = AIOKafkaConsumer(
            topic, bootstrap_servers=cluster.bootstrap, group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False, session_timeout_ms=10_000, heartbeat_interval_ms=300)
        await reader.start()
        try:
            while not stopping.is_set():
                for records in (await reader.getmany(timeout_ms=200)).values():
                    seen.update(int(record.value) for record in records)
                try:
                    await reader.commit()
                except AioError:
                    pass  # the next commit says the same and more
        finally:
            await reader.stop()

    asyncio.run(live())


@pytest.mark.parametrize("member", [python_member, aio_member])
def test_a_group_of_two_goes_on(hurt_cluster, member):
    cluster, victim, topic = hurt_cluster, 1, fresh("pair")
    cluster.create_topic(topic, partitions=4)
    group, stopping, seen = name_at(cluster, "pair", victim), threading.Event(), set()
    writer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})

    def write(numbers):
        for number in numbers:
            writer.produce(topic, b"%d" % number, partition=number % 4)
        assert writer.flush(60) == 0

    members = [
        threading.Thread(target=member, args=(cluster, topic, group, stopping, seen), daemon=True) for _ in range(2)]
    for thread in members:
        thread.start()
    try:
        write(range(100))
        wait_until(lambda: len(seen) == 100, 60, "half is read")
        cluster.kill(victim)
        write(range(100, 200))
        wait_until(lambda: len(seen) == 200, 90, "the other half is read at another coordinator")
        revive(cluster, victim, [topic])

        def committed():
            reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group})
            try:
                places = reader.committed([TopicPartition(topic, index) for index in range(4)], 10)
                return sum(max(place.offset, 0) for place in places) == 200
            finally:
                reader.close()

        wait_until(committed, 60, "all is committed")
    finally:
        stopping.set()
        for thread in members:
            thread.join(60)
