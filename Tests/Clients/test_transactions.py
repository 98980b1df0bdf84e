"""Transactions, by the clients that have them: all or nothing, whoever dies."""

import asyncio
import threading
import time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from kafka import KafkaProducer

from harness import fresh

TIMEOUT = 30


def producer(cluster, transactional_id, **more):
    made = Producer({
        "bootstrap.servers": cluster.bootstrap, "transactional.id": transactional_id,
        "message.timeout.ms": 20_000, "transaction.timeout.ms": 20_000, **more,
    })
    made.init_transactions(TIMEOUT)
    return made


def read(cluster, topic, isolation="read_committed", partitions=1):
    """All that a consumer gets before the ends of the partitions."""
    consumer = Consumer({
        "bootstrap.servers": cluster.bootstrap, "group.id": fresh("reader"), "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "isolation.level": isolation, "enable.partition.eof": True,
    })
    consumer.assign([TopicPartition(topic, index, 0) for index in range(partitions)])
    values, ended, deadline = [], set(), time.monotonic() + TIMEOUT
    while len(ended) < partitions and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
        else:
            values.append(message.value())
    consumer.close()
    assert len(ended) == partitions, f"no end of {topic} in sight after {values[-3:]}"
    return sorted(values)


def until_committed(cluster, topic, wanted, partitions=1):
    """Markers follow a commit: what readers see may lag behind it for a moment."""
    deadline = time.monotonic() + TIMEOUT
    while (seen := read(cluster, topic, partitions=partitions)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == wanted


def test_a_commit_shows_all_and_an_abort_nothing(cluster):
    topic = fresh("tx")
    cluster.create_topic(topic, partitions=3)
    sender = producer(cluster, fresh("id"))
    for number, end in enumerate([sender.commit_transaction, sender.abort_transaction, sender.commit_transaction]):
        sender.begin_transaction()
        for index in range(3):
            sender.produce(topic, b"%d-%d" % (number, index), partition=index)
        sender.flush(TIMEOUT)
        end(TIMEOUT)
    until_committed(cluster, topic, sorted(b"%d-%d" % (n, i) for n in (0, 2) for i in range(3)), partitions=3)
    everything = read(cluster, topic, "read_uncommitted", partitions=3)
    assert everything == sorted(b"%d-%d" % (n, i) for n in range(3) for i in range(3))


def test_what_is_open_is_hidden(cluster):
    topic = fresh("tx")
    cluster.create_topic(topic, partitions=1)
    sender = producer(cluster, fresh("id"))
    sender.begin_transaction()
    sender.produce(topic, b"open", partition=0)
    sender.flush(TIMEOUT)
    assert read(cluster, topic) == []
    assert read(cluster, topic, "read_uncommitted") == [b"open"]
    sender.commit_transaction(TIMEOUT)
    until_committed(cluster, topic, [b"open"])


@pytest.mark.parametrize("commits", [True, False])
def test_offsets_are_moved_with_the_transaction(cluster, commits):
    source, target, group = fresh("source"), fresh("target"), fresh("group")
    cluster.create_topic(source, partitions=1)
    cluster.create_topic(target, partitions=1)
    plain = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(10):
        plain.produce(source, b"%d" % number, partition=0)
    plain.flush(TIMEOUT)
    settings = {
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "isolation.level": "read_committed",
    }
    consumer = Consumer(settings)
    consumer.subscribe([source])
    sender = producer(cluster, fresh("id"))
    sender.begin_transaction()
    taken, deadline = 0, time.monotonic() + TIMEOUT
    while taken < 5 and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            sender.produce(target, b"did " + message.value(), partition=0)
            taken += 1
    assert taken == 5
    sender.send_offsets_to_transaction(
        [TopicPartition(source, 0, 5)], consumer.consumer_group_metadata(), TIMEOUT)
    (sender.commit_transaction if commits else sender.abort_transaction)(TIMEOUT)
    until_committed(cluster, target, [b"did %d" % n for n in range(5)] if commits else [])
    # Whoever asks for what is stable is told to wait for the marker.
    committed = consumer.committed([TopicPartition(source, 0)], TIMEOUT)[0].offset
    assert committed == (5 if commits else -1001)
    consumer.close()


def test_a_second_producer_of_the_id_fences_the_first(cluster):
    topic, name = fresh("tx"), fresh("id")
    cluster.create_topic(topic, partitions=1)
    first = producer(cluster, name)
    first.begin_transaction()
    first.produce(topic, b"of the first", partition=0)
    first.flush(TIMEOUT)
    second = producer(cluster, name)
    with pytest.raises(KafkaException) as refusal:
        first.commit_transaction(TIMEOUT)
    assert refusal.value.args[0].code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    second.begin_transaction()
    second.produce(topic, b"of the second", partition=0)
    second.commit_transaction(TIMEOUT)
    until_committed(cluster, topic, [b"of the second"])


def test_a_transaction_that_takes_too_long_is_aborted(own_cluster):
    topic = fresh("tx")
    own_cluster.create_topic(topic, partitions=1)
    sender = producer(own_cluster, fresh("id"), **{"transaction.timeout.ms": 1_000, "message.timeout.ms": 900})
    sender.begin_transaction()
    sender.produce(topic, b"late", partition=0)
    sender.flush(TIMEOUT)
    plain = Producer({"bootstrap.servers": own_cluster.bootstrap})
    plain.produce(topic, b"behind it", partition=0)
    plain.flush(TIMEOUT)
    assert read(own_cluster, topic) == []
    until_committed(own_cluster, topic, [b"behind it"])
    with pytest.raises(KafkaException):
        sender.commit_transaction(TIMEOUT)


def test_kafka_python_commits_and_aborts(cluster):
    topic = fresh("tx")
    cluster.create_topic(topic, partitions=1)
    sender = KafkaProducer(bootstrap_servers=cluster.bootstrap.split(","), transactional_id=fresh("id"))
    sender.init_transactions()
    for number in range(4):
        sender.begin_transaction()
        sender.send(topic, b"%d" % number, partition=0)
        (sender.abort_transaction if number % 2 else sender.commit_transaction)()
    sender.close()
    until_committed(cluster, topic, [b"0", b"2"])


def test_aiokafka_commits_and_aborts(cluster):
    """Its consumer leaves out by itself what was aborted: brokers only tell it which transactions were."""
    topic, group = fresh("tx"), fresh("group")
    cluster.create_topic(topic, partitions=2)

    async def values(isolation):
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=cluster.bootstrap, auto_offset_reset="earliest", isolation_level=isolation)
        await consumer.start()
        try:
            found = []
            # All that is there is followed by a committed record in each partition.
            while sum(value.startswith(b"last") for value in found) < 2:
                found.append((await asyncio.wait_for(consumer.getone(), TIMEOUT)).value)
            return sorted(found)
        finally:
            await consumer.stop()

    async def committed_offset():
        reader = AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap, group_id=group, enable_auto_commit=False)
        await reader.start()
        try:
            return await reader.committed(AioPartition(topic, 0))
        finally:
            await reader.stop()

    async def scene():
        sender = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id=fresh("id"))
        await sender.start()
        try:
            for number in range(4):
                await sender.begin_transaction()
                for index in range(2):
                    await sender.send_and_wait(topic, b"%d-%d" % (number, index), partition=index)
                await sender.send_offsets_to_transaction({AioPartition(topic, 0): number + 1}, group)
                await (sender.abort_transaction if number % 2 else sender.commit_transaction)()
            async with sender.transaction():
                for index in range(2):
                    await sender.send_and_wait(topic, b"last-%d" % index, partition=index)
        finally:
            await sender.stop()
        last = [b"last-0", b"last-1"]
        wanted = [b"%d-%d" % (number, index) for number in (0, 2) for index in range(2)]
        assert await values("read_committed") == wanted + last
        wanted = [b"%d-%d" % (number, index) for number in range(4) for index in range(2)]
        assert await values("read_uncommitted") == wanted + last
        assert await committed_offset() == 3, "the offsets of the last transaction that was committed"

    asyncio.run(asyncio.wait_for(scene(), 120))


def coordinator(cluster, transactional_id):
    """The node that leads the id's partition of __transaction_state."""
    number = 0
    for unit in transactional_id:
        number = (number * 31 + ord(unit)) & 0xFFFFFFFF
    return cluster.partitions("__transaction_state")[(number & 0x7FFFFFFF) % 50][0]


@pytest.mark.parametrize("victim", ["coordinator", "partition leader"])
def test_all_or_nothing_though_a_node_is_killed(own_cluster, victim):
    """Each transaction writes one record to each of three partitions; one node dies without warning on the way."""
    topic, name = fresh("tx"), fresh("id")
    own_cluster.create_topic(topic, partitions=3)
    sender = producer(own_cluster, name)
    committed, unknown = [], []

    def one(number):
        sender.begin_transaction()
        for index in range(3):
            sender.produce(topic, b"%04d" % number, partition=index)
        sender.commit_transaction(TIMEOUT)

    coordinated = coordinator(own_cluster, name)
    node = coordinated if victim == "coordinator" else own_cluster.partitions(topic)[0][0]
    killer = threading.Timer(1, own_cluster.kill, [node])
    killer.start()
    number, after, deadline = 0, 0, time.monotonic() + 60
    while after < 20 and time.monotonic() < deadline:
        dead = not killer.is_alive()
        try:
            one(number)
            committed.append(number)
            after += dead
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                sender.abort_transaction(TIMEOUT)
            else:
                unknown.append(number)
                sender = producer(own_cluster, name)
        number += 1
    killer.join()
    assert after == 20, f"{after} committed after the kill, {len(committed)} of {number} in all"
    # One more, so that all before it is decided.
    one(9999)
    committed.append(9999)
    deadline = time.monotonic() + TIMEOUT
    while (values := read(own_cluster, topic, partitions=3)).count(b"9999") < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    for number in committed:
        assert values.count(b"%04d" % number) == 3, f"{number} was committed"
    for value in set(values) - {b"%04d" % number for number in committed}:
        assert values.count(value) == 3 and int(value) in unknown, f"a part of {value}"
