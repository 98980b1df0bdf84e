"""aiokafka: an implementation of its own, in asyncio."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from harness import fresh


def test_an_idempotent_producer_and_a_group(cluster):
    topic, group = fresh("aio"), fresh("group")
    cluster.create_topic(topic, partitions=3)

    async def scene():
        producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, enable_idempotence=True, acks="all")
        await producer.start()
        try:
            sent = [producer.send_and_wait(topic, b"%d" % n, key=b"%d" % n) for n in range(300)]
            places = await asyncio.gather(*sent)
        finally:
            await producer.stop()
        assert len({(place.partition, place.offset) for place in places}) == 300
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=cluster.bootstrap, group_id=group, auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            values = [int((await asyncio.wait_for(consumer.getone(), 30)).value) for _ in range(300)]
            await consumer.commit()
        finally:
            await consumer.stop()
        assert sorted(values) == list(range(300))

    asyncio.run(asyncio.wait_for(scene(), 120))


def test_two_members_share_and_one_takes_over(cluster):
    topic, group = fresh("aio-share"), fresh("group")
    cluster.create_topic(topic, partitions=4)

    def member():
        return AIOKafkaConsumer(
            topic, bootstrap_servers=cluster.bootstrap, group_id=group, auto_offset_reset="earliest",
            session_timeout_ms=10_000, heartbeat_interval_ms=300, metadata_max_age_ms=1_000,
        )

    async def until(condition, what):
        for _ in range(600):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(what)

    async def scene():
        one, two = member(), member()
        await asyncio.gather(one.start(), two.start())
        try:
            await until(
                lambda: len(one.assignment()) == 2 and len(two.assignment()) == 2, "each member has two partitions"
            )
            await two.stop()
            await until(lambda: len(one.assignment()) == 4, "the last member has all four partitions")
        finally:
            await one.stop()

    asyncio.run(asyncio.wait_for(scene(), 120))
