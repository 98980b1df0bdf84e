"""Partitions move between brokers under load: asked for by kafka-python's admin client, watched by a steady stream."""

import os
import time

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaConnectionError, NodeNotReadyError, UnknownBrokerIdError
from kafka.structs import TopicPartition

from batches import differences
from harness import Cluster, fresh, wait_until
from steady_stream import SteadyStream, check, read_all

PARTITIONS = 3


@pytest.fixture
def five():
    cluster = Cluster(nodes=5, overrides=["min.insync.replicas=2"])
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.destroy()


class Administration:
    """kafka-python's admin client, made anew for each request.

    A client asks one broker for ever, the one that was named as the controller when it was made, whether that broker
    lives or not; and even a new client may choose one that has just died.
    """

    def __init__(self, cluster):
        self.cluster = cluster

    def __getattr__(self, name):
        def ask(*arguments, seconds=20):
            end = time.monotonic() + seconds
            while True:
                try:
                    with KafkaAdminClient(bootstrap_servers=self.cluster.bootstrap.split(",")) as client:
                        return getattr(client, name)(*arguments)
                except (KafkaConnectionError, NodeNotReadyError, UnknownBrokerIdError):
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05)

        return ask


@pytest.fixture
def admin(five):
    return Administration(five)


def reassign(admin, topic, targets):
    """`targets`: {partition: [brokers], or None for a cancellation}"""
    errors = admin.alter_partition_reassignments(
        {TopicPartition(topic, partition): replicas for partition, replicas in targets.items()}
    )
    assert not any(errors.values()), errors


def underway(admin, topic):
    """{partition: its replicas, those that come and those that go} of a topic's reassignments."""
    listed = admin.list_partition_reassignments()
    return {place.partition: state for place, state in listed.items() if place.topic == topic}


def settled(cluster, admin, topic, targets):
    if underway(admin, topic):
        return False
    found = cluster.partitions(topic)
    return all(
        found[partition][1] == replicas and sorted(found[partition][2]) == sorted(replicas)
        for partition, replicas in targets.items()
    )


def folders(cluster, topic, partition):
    """{node: directory} of the nodes that hold a replica on their disk, whatever its name is now."""
    held = {}
    for node in cluster.nodes:
        for path in cluster.data(node).glob(f"{topic}-{partition}*"):
            held.setdefault(node, []).append(path.name)
    return held


def test_partitions_move_under_load_and_nothing_is_lost(five, admin):
    topic = fresh("moving")
    bystander = fresh("bystander")
    five.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    five.create_topic(bystander, partitions=PARTITIONS, factor=5)
    with SteadyStream(five.bootstrap, topic, PARTITIONS) as stream:
        time.sleep(1)
        # All away, a new order, fewer replicas, more of them, and the leader off its node.
        moves = [
            {0: [4, 5, 1], 1: [5, 4, 2], 2: [3, 4, 5]},
            {0: [1, 2, 3], 1: [2, 3, 1], 2: [5, 4, 3]},
            {0: [3, 4], 1: [4, 5], 2: [1, 2]},
            {0: [1, 2, 3, 4, 5], 1: [5, 1, 2], 2: [4, 3, 5, 1]},
        ]
        for targets in moves:
            reassign(admin, topic, targets)
            wait_until(lambda: settled(five, admin, topic, targets), 60, f"the move to {targets}")
            # Who holds a partition no more has no directory of it; nobody else's directory is touched.
            for partition, replicas in targets.items():
                wait_until(
                    lambda: folders(five, topic, partition)
                    == {node: [f"{topic}-{partition}"] for node in sorted(replicas)},
                    20, f"the directories of partition {partition} are those of {replicas}",
                )
                assert sorted(folders(five, bystander, partition)) == list(five.nodes)
            time.sleep(0.5)
    assert not stream.failed, stream.failed[0]
    assert stream.unanswered == 0
    found = read_all(five.bootstrap, topic, PARTITIONS)
    assert check(stream, found) == []
    five.down()
    for partition, replicas in moves[-1].items():
        assert differences([five.data(node) / f"{topic}-{partition}" for node in replicas]) == []


def test_a_move_to_a_dead_broker_waits_and_can_be_cancelled(five, admin):
    topic = fresh("waiting")
    five.create_topic(topic, partitions=1)
    before = five.partitions(topic)[0][1]
    dead, other = [node for node in five.nodes if node not in before]
    with SteadyStream(five.bootstrap, topic, 1, rate=200) as stream:
        five.kill(dead)
        target = [dead, *before[:2]]
        reassign(admin, topic, {0: target})
        assert underway(admin, topic) == {
            0: {"replicas": [*target, before[2]], "adding_replicas": [dead], "removing_replicas": [before[2]]}
        }
        time.sleep(1)
        wait_until(lambda: set(five.partitions(topic)[0][1]) == {*before, dead}, 20, "the move is under way")
        reassign(admin, topic, {0: None})
        wait_until(lambda: not underway(admin, topic), 20, "the cancellation")
        wait_until(lambda: set(five.partitions(topic)[0][1]) == set(before), 20, "the replicas are those before")
        # Asked for again, it is done once the broker is back; one target replaces the other on the way.
        reassign(admin, topic, {0: [other, dead, before[0]]})
        reassign(admin, topic, {0: [dead, before[1], before[2]]})
        five.start(dead)
        final = {0: [dead, before[1], before[2]]}
        wait_until(lambda: settled(five, admin, topic, final), 60, "the move to the broker that came back")
    assert not stream.failed, stream.failed[0]
    assert check(stream, read_all(five.bootstrap, topic, 1)) == []
    wait_until(lambda: sorted(folders(five, topic, 0)) == sorted(final[0]), 20, "only the target holds it")
    five.down()
    assert differences([five.data(node) / f"{topic}-0" for node in final[0]]) == []


def test_leaders_that_are_killed_while_partitions_move_lose_nothing(five, admin):
    topic = fresh("killed")
    five.create_topic(topic, partitions=PARTITIONS, min_insync_replicas=2)
    with SteadyStream(five.bootstrap, topic, PARTITIONS) as stream:
        time.sleep(2)
        targets = {0: [4, 5, 1], 1: [5, 4, 2], 2: [4, 1, 3]}
        reassign(admin, topic, targets)
        leader = five.partitions(topic)[0][0]
        os.kill(five.process_of(leader), 9)
        time.sleep(1)
        wait_until(lambda: five.start(leader) or True, 10, "the killed node starts again")
        wait_until(lambda: settled(five, admin, topic, targets), 60, f"the move to {targets}")
    assert not stream.failed, stream.failed[0]
    assert check(stream, read_all(five.bootstrap, topic, PARTITIONS)) == []
    five.down()
    for partition, replicas in targets.items():
        assert differences([five.data(node) / f"{topic}-{partition}" for node in replicas]) == []


def test_a_preferred_leader_is_elected_on_request(five, admin):
    topic = fresh("preferred")
    five.create_topic(topic, partitions=1)
    first, *rest = five.partitions(topic)[0][1]
    five.stop(first)
    wait_until(lambda: five.partitions(topic)[0][0] in rest, 20, "another leader")
    five.start(first)
    five.wait_in_sync(topic)
    assert five.partitions(topic)[0][0] in rest
    admin.elect_leaders(0, {topic: [0]})
    wait_until(lambda: five.partitions(topic)[0][0] == first, 5, "the preferred leader leads")
