"""A stopped node's files are damaged, one after the other and all at once: it says which and what to do, deletes nothing,
and serves what it can."""

import shutil
import subprocess
import time

from confluent_kafka import Consumer, Producer

from harness import MARTLET, fresh, martlet, wait_until

NODE = 3
RECORDS = 300


def fill(cluster, topic):
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    for number in range(RECORDS):
        producer.produce(topic, str(number).encode(), partition=number % 3)
    assert producer.flush(60) == 0


def count(cluster, topic):
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": fresh("g"), "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found, end = 0, time.monotonic() + 60
    while found < RECORDS and time.monotonic() < end:
        found += sum(record.error() is None for record in consumer.consume(1_000, timeout=1))
    consumer.close()
    return found




def test_what_can_be_made_anew_is_made_anew_and_foreign_files_stay(own_cluster):
    cluster, topic = own_cluster, fresh("damaged")
    cluster.create_topic(topic, partitions=3, min_insync_replicas=2)
    fill(cluster, topic)
    cluster.wait_in_sync(topic)
    cluster.stop(NODE)
    data = cluster.data(NODE)
    for name in ["recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint"]:
        (data / name).write_text("no checkpoint\n")
    (data / ".kafka_cleanshutdown").write_text("{")
    for partition in range(3):
        log = data / f"{topic}-{partition}"
        (log / "leader-epoch-checkpoint").write_text("0\n7\n")
        for file in [*log.glob("*.index"), *log.glob("*.timeindex"), *log.glob("*.snapshot")]:
            file.write_bytes(b"foreign")
    foreign = [data / "notes.tmp", data / f"{topic}-0" / "core.deleted", data / f"{topic}-0" / "mine.tmp"]
    for file in foreign:
        file.write_text("mine")
    for name in ["lost+found", f"{topic}-007", "no-number-"]:
        (data / name).mkdir()
    moved = cluster.directory / "elsewhere"
    shutil.move(data / f"{topic}-2", moved)
    (data / f"{topic}-2").symlink_to(moved)
    cluster.start(NODE)
    cluster.wait_in_sync(topic)
    said = cluster.logs(NODE, lines=1_000_000)
    for name in ["recovery-point-offset-checkpoint: line 1", ".kafka_cleanshutdown: ", "leader-epoch-checkpoint"]:
        assert name in said, name
    assert all(file.read_text() == "mine" for file in foreign)
    assert (data / f"{topic}-007").is_dir() and (data / f"{topic}-2").is_symlink()
    assert count(cluster, topic) == RECORDS


def test_a_replica_in_doubt_is_set_aside_and_made_anew(own_cluster):
    cluster, topic = own_cluster, fresh("doubt")
    cluster.create_topic(topic, partitions=3, min_insync_replicas=2)
    fill(cluster, topic)
    cluster.wait_in_sync(topic)
    cluster.stop(NODE)
    log = cluster.data(NODE) / f"{topic}-1"
    metadata = log / "partition.metadata"
    metadata.write_bytes(b"\0\1\2")
    before = {file.name: file.read_bytes() for file in log.glob("*.log")}
    cluster.start(NODE)
    cluster.wait_in_sync(topic)
    assert f"{metadata}: expected version 0 and a topic id" in cluster.logs(NODE, lines=1_000_000)
    aside = [path for path in cluster.data(NODE).iterdir() if path.name.startswith(f"{topic}-1.")]
    assert [{file.name: file.read_bytes() for file in path.glob("*.log")} for path in aside] == [before]
    assert count(cluster, topic) == RECORDS


def test_the_only_replica_in_doubt_is_offline_until_it_is_known_whose_it_is(own_cluster):
    cluster, topic = own_cluster, fresh("doubt")
    martlet(
        "topics", "--bootstrap-server", cluster.bootstrap, "--create", "--topic", topic,
        "--replica-assignment", f"{NODE},{NODE},{NODE}")
    fill(cluster, topic)
    cluster.stop(NODE)
    log = cluster.data(NODE) / f"{topic}-0"
    metadata = log / "partition.metadata"
    whole = metadata.read_bytes()
    metadata.write_bytes(b"\0\1\2")
    before = {file.name: file.read_bytes() for file in log.glob("*.log")}
    cluster.start(NODE)
    said = f"{metadata}: expected version 0 and a topic id"
    wait_until(lambda: said in cluster.logs(NODE, lines=1_000_000), 60, "the node says what is wrong")
    refused = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "message.timeout.ms": 3_000})
    producer.produce(topic, b"refused", partition=0, on_delivery=lambda error, _: refused.append(error))
    producer.flush(30)
    assert refused and refused[0] is not None
    assert {file.name: file.read_bytes() for file in log.glob("*.log")} == before
    cluster.stop(NODE)
    metadata.write_bytes(whole)
    cluster.start(NODE)
    wait_until(lambda: count(cluster, topic) == RECORDS, 60, "all records are back")


def test_a_node_that_can_not_know_whose_its_directory_is_says_so(own_cluster):
    cluster = own_cluster
    cluster.stop(NODE)
    folder = cluster.path / f"node-{NODE}"
    properties = cluster.data(NODE) / "meta.properties"
    vote = cluster.data(NODE) / "__cluster_metadata-0" / "quorum-state"
    for file, content in [(properties, b""), (properties, b"version=9\n"), (vote, b"{"), (vote, b'{"leaderEpoch":3}')]:
        whole = file.read_bytes()
        file.write_bytes(content)
        ended = subprocess.run([MARTLET, "server", folder / "server.properties"], capture_output=True, text=True, timeout=60)
        assert ended.returncode == 1
        assert str(file) in ended.stderr and "estore the file" in ended.stderr, ended.stderr
        assert file.read_bytes() == content
        file.write_bytes(whole)
    cluster.start(NODE)
