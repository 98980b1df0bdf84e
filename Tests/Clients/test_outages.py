"""What must not be acknowledged, and what must come back by itself: too few replicas, no quorum, all nodes dead."""

import os
import shutil
import time

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from batches import differences
from harness import fresh, wait_until
from steady_stream import QUIET, SteadyStream, check, read_all

TOO_FEW = {KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND, KafkaError.REQUEST_TIMED_OUT}


def send_once(cluster, topic, value, acks="all", timeout=5_000):
    """The error code of one attempt without retries; None for success."""
    codes = []
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap, "acks": acks, "retries": 0, "message.timeout.ms": timeout,
            "request.timeout.ms": min(timeout, 3_000), "linger.ms": 0, **QUIET,
        }
    )
    producer.produce(topic, value, partition=0, on_delivery=lambda error, _: codes.append(error and error.code()))
    producer.flush(timeout / 1000 + 10)
    assert codes, "no answer and no timeout"
    return codes[0]


def values(cluster, topic):
    client = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": "outage", "enable.auto.commit": False, **QUIET}
    )
    place = TopicPartition(topic, 0, 0)
    # This question is not asked again by itself where a leader has only just begun to lead.
    _, end = wait_until(lambda: client.get_watermark_offsets(place, timeout=10), 30, "the leader tells its end")
    client.assign([place])
    found = []
    stop = time.monotonic() + 20
    while len(found) < end and time.monotonic() < stop:
        record = client.poll(0.2)
        if record is not None and record.error() is None:
            found.append(record.value())
    client.close()
    return found


def test_too_few_replicas_are_refused_and_acks_1_waits_to_be_readable(own_cluster):
    cluster, topic = own_cluster, fresh("minisr3")
    cluster.create_topic(topic, partitions=1, min_insync_replicas=3)
    cluster.wait_in_sync(topic)
    assert send_once(cluster, topic, b"before") is None
    leader = cluster.partitions(topic)[0][0]
    follower = next(node for node in cluster.nodes if node != leader)
    cluster.kill(follower)
    wait_until(lambda: len(cluster.partitions(topic)[0][2]) == 2, 30, "the dead replica leaves the ISR")
    for _ in range(3):
        assert send_once(cluster, topic, b"refused") == KafkaError.NOT_ENOUGH_REPLICAS
    assert send_once(cluster, topic, b"acks-1", acks=1) is None
    assert b"acks-1" not in values(cluster, topic)
    cluster.start(follower)
    cluster.wait_in_sync(topic)
    wait_until(lambda: b"acks-1" in values(cluster, topic), 20, "the acks=1 record becomes readable")
    assert send_once(cluster, topic, b"after") is None
    assert values(cluster, topic) == [b"before", b"acks-1", b"after"]


def outage(cluster, dead, seconds=5):
    """Kills nodes under a stream, looks at what is acknowledged meanwhile, starts them again."""
    topic = fresh("outage")
    cluster.create_topic(topic, partitions=3, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, 3) as stream:
        time.sleep(2)
        for node in dead:
            os.kill(cluster.process_of(node), 9)
        # Answers that were under way when the nodes died may still come.
        time.sleep(1)
        silent_from = time.monotonic()
        time.sleep(seconds)
        acknowledged = [
            answer for answers in stream.acknowledged.values() for answer in answers if answer[2] > silent_from
        ]
        assert not acknowledged, f"{len(acknowledged)} records acknowledged without a majority"
        for node in dead:
            cluster.start(node)
        restarted = time.monotonic()
        wait_until(
            lambda: all(stream.last_answer(partition) > restarted for partition in range(3)), 60, "the stream goes on"
        )
        print(f"the stream went on {time.monotonic() - restarted:.2f} s after the restart of nodes {dead}")
        cluster.wait_in_sync(topic)
        time.sleep(1)
    assert not stream.failed, stream.failed[0]
    found = read_all(cluster.bootstrap, topic, 3)
    assert check(stream, found) == []
    cluster.wait_in_sync(topic)
    cluster.down()
    for partition in range(3):
        assert differences([cluster.data(node) / f"{topic}-{partition}" for node in cluster.nodes]) == []


def test_without_a_majority_nothing_is_acknowledged_and_all_comes_back(own_cluster):
    outage(own_cluster, [1, 2])


def test_all_killed_at_once_come_back_without_loss(own_cluster):
    outage(own_cluster, [1, 2, 3])


def test_a_wiped_voter_elects_nobody_until_a_node_with_the_full_log_is_back(own_cluster):
    cluster, topic = own_cluster, fresh("wiped")
    cluster.create_topic(topic, partitions=3, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, 3) as stream:
        time.sleep(1)
        controller = cluster.active_controller()
        wiped, down = [node for node in cluster.nodes if node != controller]
        cluster.kill(wiped)
        shutil.rmtree(cluster.data(wiped))
        os.kill(cluster.process_of(down), 9)
        # What was sent before may be answered late, behind an answer that waits for replicas.
        sent = dict(stream.sent)
        time.sleep(1)
        cluster.start(wiped)
        time.sleep(5)
        late = [
            number for place, answers in stream.acknowledged.items() for number, _, _ in answers if number >= sent[place]
        ]
        assert not late, f"{len(late)} records acknowledged with a blank voter's help"
        cluster.start(down)
        restarted = time.monotonic()
        wait_until(
            lambda: all(stream.last_answer(partition) > restarted for partition in range(3)), 60, "the stream goes on"
        )
        cluster.wait_in_sync(topic)
        time.sleep(1)
    assert not stream.failed, stream.failed[0]
    assert check(stream, read_all(cluster.bootstrap, topic, 3)) == []


def test_a_paused_leader_is_replaced_and_does_no_harm_when_it_wakes(own_cluster):
    cluster, topic = own_cluster, fresh("pause")
    cluster.create_topic(topic, partitions=1, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, 1, **{"socket.timeout.ms": 3_000}) as stream:
        time.sleep(1)
        leader = cluster.partitions(topic)[0][0]
        cluster.pause(leader)
        paused = time.monotonic()
        try:
            wait_until(lambda: stream.last_answer(0) > paused + 1, 60, "another leader takes over")
        finally:
            cluster.resume(leader)
        cluster.wait_in_sync(topic)
        time.sleep(1)
    assert not stream.failed, stream.failed[0]
    assert check(stream, read_all(cluster.bootstrap, topic, 1)) == []


def test_a_node_that_is_stopped_in_order_hands_over_without_an_error(own_cluster):
    cluster, topic = own_cluster, fresh("rolling")
    cluster.create_topic(topic, partitions=3, min_insync_replicas=2)
    cluster.wait_in_sync(topic)
    with SteadyStream(cluster.bootstrap, topic, 3) as stream:
        time.sleep(1)
        gaps = []
        for node in cluster.nodes:
            at = time.monotonic()
            cluster.stop(node)
            cluster.start(node)
            cluster.wait_in_sync(topic)
            gaps.append(stream.gap(range(3), at, time.monotonic()))
    print(f"GAP rolling restart client: {', '.join(f'{gap:.3f}s' for gap in gaps)}")
    assert not stream.failed, stream.failed[0]
    assert check(stream, read_all(cluster.bootstrap, topic, 3)) == []
