"""Replicas move between the log directories of their brokers while producers and consumers work."""

import json
import time

import pytest

from harness import Cluster, MartletError, fresh, martlet, wait_until
from steady_stream import SteadyStream, check, read_all

PARTITIONS = 2


@pytest.fixture
def disks():
    """Three nodes with two log directories each; the second ones are `second-disk-N`."""
    cluster = Cluster(nodes=3)
    own = f"{cluster.path}/node-{{node}}/data"
    cluster.overrides = [f"log.dirs={own},{cluster.directory}/second-disk-{{node}}", "min.insync.replicas=2"]
    try:
        yield cluster.up()
    finally:
        cluster.destroy()


def directories(cluster, topic):
    """{(partition, broker): (directory, directory of the copy or None)}"""
    text = martlet(
        "log-dirs", "--bootstrap-server", cluster.bootstrap, "--describe", "--topic-list", topic
    ).splitlines()[-1]
    found = {}
    for broker in json.loads(text)["brokers"]:
        for directory in broker["logDirs"]:
            for replica in directory["partitions"]:
                key = int(replica["partition"].rsplit("-", 1)[1]), broker["broker"]
                current, copy = found.get(key, (None, None))
                if replica["isFuture"]:
                    copy = directory["logDir"]
                else:
                    current = directory["logDir"]
                found[key] = current, copy
    return found


def plan(cluster, topic, tmp_path, name):
    """A file that has every replica change its directory, and where each will lie."""
    now, targets, partitions = directories(cluster, topic), {}, []
    for partition, (_, replicas, _) in sorted(cluster.partitions(topic).items()):
        for broker in replicas:
            both = {str(cluster.data(broker)), f"{cluster.directory}/second-disk-{broker}"}
            targets[partition, broker] = (both - {now[partition, broker][0]}).pop()
        partitions.append(
            {
                "topic": topic, "partition": partition, "replicas": replicas,
                "log_dirs": [targets[partition, broker] for broker in replicas],
            }
        )
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"version": 1, "partitions": partitions}))
    return path, targets


def reassign(cluster, path, *arguments):
    return martlet(
        "reassign-partitions", "--bootstrap-server", cluster.bootstrap, "--reassignment-json-file", path, *arguments
    )


def verified(cluster, path):
    """The output of --verify once nothing moves any more."""

    def look():
        try:
            return reassign(cluster, path, "--verify")
        except MartletError:
            return None

    return wait_until(look, 60, "every replica lies in its new directory")


def test_all_replicas_change_their_disks_under_load_and_back_again(disks, tmp_path):
    topic = fresh("moves")
    disks.create_topic(topic, partitions=PARTITIONS, segment_bytes=1_048_576)
    with SteadyStream(disks.bootstrap, topic, PARTITIONS, rate=2_000) as stream:
        time.sleep(2)
        for turn in ("there", "back"):
            path, targets = plan(disks, topic, tmp_path, turn)
            out = reassign(disks, path, "--execute")
            assert out.count("Successfully started moving log directory to ") == len(targets), out
            out = verified(disks, path)
            assert out.count(" completed successfully.") == len(targets), out
            assert directories(disks, topic) == {key: (target, None) for key, target in targets.items()}
        time.sleep(1)
    assert not stream.failed
    assert not check(stream, read_all(disks.bootstrap, topic, PARTITIONS))
    for partition, (_, replicas, in_sync) in disks.partitions(topic).items():
        assert sorted(replicas) == sorted(in_sync), partition


def test_a_throttled_move_is_seen_survives_a_kill_and_ends(disks, tmp_path):
    topic = fresh("moves")
    disks.create_topic(topic, partitions=1)
    with SteadyStream(disks.bootstrap, topic, 1, rate=2_000) as stream:
        time.sleep(2)
    path, targets = plan(disks, topic, tmp_path, "slow")
    out = reassign(disks, path, "--execute", "--replica-alter-log-dirs-throttle", 1_000)
    assert "The replica-alter-dir throttle limit was set to 1000 B/s" in out
    copies = wait_until(
        lambda: (found := directories(disks, topic)) and all(copy for _, copy in found.values()) and found, 20,
        "every replica has a copy",
    )
    assert {key: copy for key, (_, copy) in copies.items()} == targets
    with pytest.raises(MartletError, match="is still in progress"):
        reassign(disks, path, "--verify")
    disks.kill(2)
    disks.start(2)
    # The same once more only changes the throttle.
    wait_until(
        lambda: reassign(disks, path, "--execute", "--additional", "--replica-alter-log-dirs-throttle", 100_000_000),
        60, "the broker that was killed takes moves again",
    )
    verified(disks, path)
    assert directories(disks, topic) == {key: (target, None) for key, target in targets.items()}
    assert not check(stream, read_all(disks.bootstrap, topic, 1))
