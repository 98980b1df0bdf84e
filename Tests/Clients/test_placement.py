"""Where replicas are and who leads: racks, leaders that return, topics that come and go while a broker is away."""

import time

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from harness import Cluster, fresh, martlet, wait_until


def admin_of(cluster):
    return KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))


def kept(cluster, node, name):
    """What a node's disk has under a name, as it is named there."""
    return sorted(path.name for path in cluster.data(node).glob(f"{name}*"))


def write(cluster, topic, values):
    martlet(
        "console-producer", "--bootstrap-server", cluster.bootstrap, "--topic", topic,
        stdin="".join(f"{value}\n" for value in values),
    )


def read(cluster, topic, count):
    text = martlet(
        "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--from-beginning",
        "--max-messages", count, "--timeout-ms", 20_000,
    )
    return text.split()


def test_a_topic_made_again_while_a_broker_was_away_has_none_of_its_old_records(own_cluster):
    cluster, topic, gone = own_cluster, fresh("again"), fresh("gone")
    cluster.create_topic(topic)
    cluster.create_topic(gone)
    write(cluster, topic, ["old"] * 5)
    write(cluster, gone, ["old"])
    cluster.wait_in_sync(topic)
    cluster.kill(3)
    for name in (topic, gone):
        martlet("topics", "--bootstrap-server", cluster.bootstrap, "--delete", "--topic", name)
    cluster.create_topic(topic, factor=2)
    write(cluster, topic, ["new"] * 2)
    assert kept(cluster, 3, topic) == [f"{topic}-0"]
    # A crash in the middle of a removal left this.
    leftover = cluster.data(3) / f"{fresh('left')}-0.{'0' * 31}1-delete"
    leftover.mkdir()
    (leftover / "00000000000000000000.log").write_bytes(b"")
    cluster.start(3)
    wait_until(lambda: not leftover.exists(), 20, "what was being removed is gone")
    # Set aside, not deleted: neither the one that is gone nor the one whose name lives on.
    for name in (topic, gone):
        wait_until(
            lambda: [path for path in kept(cluster, 3, name[:40]) if path.endswith("-stray")], 20,
            f"the stray directory of {name} is set aside",
        )
    admin = admin_of(cluster)
    errors = admin.alter_partition_reassignments({TopicPartition(topic, 0): [3]})
    assert not any(errors.values()), errors
    wait_until(lambda: cluster.partitions(topic)[0] == (3, [3], [3]), 30, "node 3 alone holds it")
    assert read(cluster, topic, 2) == ["new", "new"]
    admin.close()


def test_leaderships_return_by_themselves_when_a_broker_is_back():
    cluster = Cluster(nodes=3, overrides=["leader.imbalance.check.interval.seconds=1"])
    try:
        cluster.up()
        topic = fresh("balanced")
        cluster.create_topic(topic, partitions=6)
        cluster.stop(1)
        wait_until(lambda: all(leader != 1 for leader, _, _ in cluster.partitions(topic).values()), 20, "others lead")
        cluster.start(1)
        cluster.wait_in_sync(topic)
        wait_until(
            lambda: all(leader == replicas[0] for leader, replicas, _ in cluster.partitions(topic).values()), 20,
            "every preferred replica leads",
        )
    finally:
        cluster.destroy()


def test_leaderships_stay_where_they_are_when_they_shall_not_return():
    cluster = Cluster(
        nodes=3, overrides=["leader.imbalance.check.interval.seconds=1", "auto.leader.rebalance.enable=false"]
    )
    try:
        cluster.up()
        topic = fresh("settled")
        cluster.create_topic(topic)
        first = cluster.partitions(topic)[0][0]
        cluster.stop(first)
        cluster.start(first)
        cluster.wait_in_sync(topic)
        time.sleep(2.5)
        assert cluster.partitions(topic)[0][0] != first
    finally:
        cluster.destroy()


def test_an_operator_may_elect_a_leader_that_lacks_records(own_cluster):
    cluster, topic = own_cluster, fresh("unclean")
    cluster.create_topic(topic, factor=2, min_insync_replicas=1)
    first, second = cluster.partitions(topic)[0][1]
    other = next(node for node in cluster.nodes if node not in (first, second))
    write(cluster, topic, ["both"] * 3)
    cluster.wait_in_sync(topic)
    cluster.kill(second)
    wait_until(lambda: cluster.partitions(topic)[0][2] == [first], 20, "the first replica is alone in sync")
    write(cluster, topic, ["alone"] * 2)
    cluster.kill(first)
    cluster.start(second)
    wait_until(lambda: cluster.partitions(topic)[0][0] is None, 20, "nobody leads")
    time.sleep(1)
    assert cluster.partitions(topic)[0][0] is None
    admin = KafkaAdminClient(bootstrap_servers=[f"127.0.0.1:{cluster.port(other)}"])

    def elected():
        if cluster.partitions(topic)[0][0] == second:
            return True
        try:
            admin.elect_leaders(1, {topic: [0]})
        except KafkaError:
            # The client may have turned to the broker that is dead.
            pass
        return False

    wait_until(elected, 20, "the second replica leads")
    assert read(cluster, topic, 3) == ["both"] * 3
    # The receipt is in the log of the controller that did it.
    assert any("unclean election" in cluster.logs(node, 400) for node in (second, other))
    # Who led before comes back, keeps what the other does not know aside, and follows.
    cluster.start(first)
    cluster.wait_in_sync(topic)
    write(cluster, topic, ["after"])
    assert read(cluster, topic, 4) == ["both"] * 3 + ["after"]
    admin.close()


def test_unclean_elections_that_are_allowed_while_nobody_leads_happen_at_once(own_cluster):
    cluster, one, other = own_cluster, fresh("by-topic"), fresh("by-default")
    for topic in (one, other):
        martlet(
            "topics", "--bootstrap-server", cluster.bootstrap, "--create", "--topic", topic, "--replica-assignment",
            "1:2", "--config", "min.insync.replicas=1",
        )
        write(cluster, topic, ["both"])
        cluster.wait_in_sync(topic)
    cluster.kill(2)
    for topic in (one, other):
        wait_until(lambda: cluster.partitions(topic)[0][2] == [1], 20, "the first replica is alone in sync")
        write(cluster, topic, ["alone"])
    cluster.kill(1)
    cluster.start(2)
    alter = ["configs", "--bootstrap-server", cluster.bootstrap, "--alter"]
    allow = ["--add-config", "unclean.leader.election.enable=true"]
    for topic, target in ((one, ["--topic", one]), (other, ["--broker-defaults"])):
        wait_until(lambda: cluster.partitions(topic)[0][0] is None, 20, "nobody leads")
        martlet(*alter, *target, *allow)
        # Far sooner than the controller would look for missing leaders by itself.
        wait_until(lambda: cluster.partitions(topic)[0][0] == 2, 4, f"broker 2 leads {topic}")
        assert read(cluster, topic, 1) == ["both"]
    martlet(*alter, "--broker-defaults", "--delete-config", "unclean.leader.election.enable")
    cluster.start(1)
    for topic in (one, other):
        cluster.wait_in_sync(topic)
        write(cluster, topic, ["after"])
        assert read(cluster, topic, 2) == ["both", "after"]
