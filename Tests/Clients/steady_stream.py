"""A steady stream of numbered records by an idempotent producer, and the check of what became of them."""

import math
import struct
import threading
import time
from collections import defaultdict

from confluent_kafka import Consumer, Producer, TopicPartition

from harness import wait_until

PAYLOAD = b"." * 100


# librdkafka writes each refused connection to stderr; where brokers are killed that hides what a test has to say.
QUIET = {"log_level": 2}


class SteadyStream(threading.Thread):
    """Sends so many records a second, round the partitions, with acks=all; remembers each answer.

    As a context it runs from the start to the end of the block and then waits for all answers. A test that fails inside
    gives it up, so that no producer is left that tries to reach dead brokers while other tests run.
    """

    def __init__(self, bootstrap, topic, partitions, rate=1000, **settings):
        super().__init__(daemon=True)
        self.topic = topic
        self.partitions = partitions
        self.rate = rate
        self.sent = defaultdict(int)
        # partition -> [(number, offset, time of the answer)]
        self.acknowledged = defaultdict(list)
        self.failed = []
        self.unanswered = None
        self.stopping = threading.Event()
        self.given_up = threading.Event()
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 0,
                "message.timeout.ms": 120_000, "retry.backoff.ms": 10, "retry.backoff.max.ms": 100,
                "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100,
                "topic.metadata.refresh.fast.interval.ms": 50, "socket.connection.setup.timeout.ms": 2_000,
                "queue.buffering.max.messages": 500_000, **QUIET, **settings,
            }
        )

    def delivered(self, partition, number):
        def answer(error, record):
            if error:
                self.failed.append((partition, number, str(error)))
            else:
                self.acknowledged[partition].append((number, record.offset(), time.monotonic()))

        return answer

    def run(self):
        start = time.monotonic()
        count = 0
        while not self.stopping.is_set():
            due = int((time.monotonic() - start) * self.rate)
            while count < due:
                partition = count % self.partitions
                number = self.sent[partition]
                self.producer.produce(
                    self.topic, struct.pack(">q", number) + PAYLOAD, partition=partition,
                    on_delivery=self.delivered(partition, number),
                )
                self.sent[partition] += 1
                count += 1
            self.producer.poll(0.001)
        self.unanswered = self.flushed(120)
        # Ends its threads and connections; a failed test's frames may hold the stream until the end of the session.
        self.producer = None

    def flushed(self, seconds):
        """How many records have no answer after so many seconds, or when the stream was given up."""
        end = time.monotonic() + seconds
        while (left := self.producer.flush(0.2)) and time.monotonic() < end:
            if self.given_up.is_set():
                self.producer.purge()
        return left

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failure, *_):
        if failure:
            self.given_up.set()
        self.stopping.set()
        self.join()

    def last_answer(self, partition):
        answers = self.acknowledged[partition]
        return answers[-1][2] if answers else 0.0

    def gap(self, partitions, since, until):
        """The longest time without an answer in one of the partitions that reaches into the time span."""
        worst = 0.0
        for partition in partitions:
            times = [at for _, _, at in self.acknowledged[partition] if since - 1 <= at <= until]
            spans = [later - earlier for earlier, later in zip(times, times[1:]) if later >= since]
            worst = max([worst, *spans])
        return worst


def read_all(bootstrap, topic, partitions, seconds=120):
    """partition -> [(number, offset)], from the first record to the end, in the order of the log."""
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "check", "enable.auto.commit": False, **QUIET})
    places = [TopicPartition(topic, partition, 0) for partition in range(partitions)]
    # Unlike a read, this question is not asked again by itself where a leader has only just begun to lead.
    bounds = lambda place: wait_until(
        lambda: client.get_watermark_offsets(place, timeout=30), 60, f"partition {place.partition} tells its end")
    ends = {place.partition: bounds(place)[1] for place in places}
    client.assign(places)
    found = defaultdict(list)
    missing = sum(ends.values())
    stop = time.monotonic() + seconds
    while missing > 0 and time.monotonic() < stop:
        for record in client.consume(10_000, timeout=1):
            assert record.error() is None, record.error()
            found[record.partition()].append((struct.unpack(">q", record.value()[:8])[0], record.offset()))
            missing -= 1
    client.close()
    assert missing <= 0, f"{missing} records can't be read"
    return found


def check(stream, found):
    """Every acknowledged record is there, once, in order, where the answer said; returns what is wrong."""
    wrong = []
    for partition in range(stream.partitions):
        numbers = [number for number, _ in found[partition]]
        if any(later <= earlier for earlier, later in zip(numbers, numbers[1:])):
            at = next(i for i, (a, b) in enumerate(zip(numbers, numbers[1:])) if b <= a)
            (number, offset), (following, place) = found[partition][at : at + 2]
            told = f"partition {partition}: {number} at offset {offset} is followed by {following} at offset {place}"
            wrong.append(told + (": it was read twice, and is in the log once" if offset == place else ""))
        offsets = dict(found[partition])
        for number, offset, _ in stream.acknowledged[partition]:
            if number not in offsets:
                wrong.append(f"partition {partition}: acknowledged record {number} is lost")
            # A repeated batch is acknowledged without an offset.
            elif offset is not None and offset >= 0 and offsets[number] != offset:
                wrong.append(f"partition {partition}: record {number} is at {offsets[number]}, not at {offset}")
            if len(wrong) > 10:
                return wrong
    return wrong


def percentiles(gaps):
    """p50, p95, p99 and the worst of a list of seconds, as text."""
    if not gaps:
        return "none"
    ordered = sorted(gaps)
    pick = lambda share: ordered[max(0, math.ceil(share * len(ordered)) - 1)]
    return f"n={len(ordered)} p50={pick(0.5):.3f}s p95={pick(0.95):.3f}s p99={pick(0.99):.3f}s max={ordered[-1]:.3f}s"
