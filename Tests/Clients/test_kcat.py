"""kcat (librdkafka 2.0.2): the oldest request versions of the set."""

import json
import subprocess

import pytest

from harness import fresh, wait_until


def kcat(cluster, *arguments, stdin=None, timeout=60):
    done = subprocess.run(
        ["kcat", "-b", cluster.bootstrap, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lists_brokers_and_topics(cluster):
    topic = fresh("kcat-list")
    cluster.create_topic(topic, partitions=4)
    found = json.loads(kcat(cluster, "-L", "-J"))
    assert sorted(broker["id"] for broker in found["brokers"]) == [1, 2, 3]
    described = next(entry for entry in found["topics"] if entry["topic"] == topic)
    assert len(described["partitions"]) == 4
    assert all(len(partition["isrs"]) == 3 for partition in described["partitions"])


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_written_is_read_with_each_codec(cluster, codec):
    topic = fresh(f"kcat-{codec}")
    cluster.create_topic(topic, partitions=1)
    lines = "".join(f"key-{n}:value-{n}-{'x' * 100}\n" for n in range(500))
    kcat(cluster, "-P", "-t", topic, "-K:", "-z", codec, "-X", "acks=all", stdin=lines)
    assert kcat(cluster, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-K:") == lines


def test_headers_and_null_values_survive(cluster):
    topic = fresh("kcat-headers")
    cluster.create_topic(topic, partitions=1)
    kcat(cluster, "-P", "-t", topic, "-H", "origin=test", "-H", "empty=", "-Z", "-K:", stdin="k:\n")
    read = json.loads(kcat(cluster, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"))
    assert read["headers"] == ["origin", "test", "empty", ""]
    assert read["payload"] is None and read["key"] == "k"


def test_offsets_count_records_not_batches(cluster):
    topic = fresh("kcat-offsets")
    cluster.create_topic(topic, partitions=1)
    kcat(cluster, "-P", "-t", topic, stdin="".join(f"{n}\n" for n in range(1000)))
    assert f"{topic} [0] offset 1000" in kcat(cluster, "-Q", "-t", f"{topic}:0:-1")
    assert f"{topic} [0] offset 0" in kcat(cluster, "-Q", "-t", f"{topic}:0:-2")
    assert kcat(cluster, "-C", "-t", topic, "-o", "-3", "-e", "-q") == "997\n998\n999\n"


def test_a_group_reads_all_partitions_and_goes_on_where_it_stopped(cluster):
    topic, group = fresh("kcat-group"), fresh("group")
    cluster.create_topic(topic, partitions=3)
    reset = ["-X", "auto.offset.reset=earliest"]
    kcat(cluster, "-P", "-t", topic, stdin="".join(f"{n}\n" for n in range(300)))
    first = kcat(cluster, "-G", group, "-c", "300", "-q", *reset, topic).split()
    assert sorted(map(int, first)) == list(range(300))
    kcat(cluster, "-P", "-t", topic, stdin="".join(f"{n}\n" for n in range(300, 330)))
    second = kcat(cluster, "-G", group, "-c", "30", "-q", *reset, topic).split()
    assert sorted(map(int, second)) == list(range(300, 330))


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_all_acks(cluster, acks):
    topic = fresh(f"kcat-acks-{acks}")
    cluster.create_topic(topic, partitions=1)
    cluster.wait_led(topic)
    kcat(cluster, "-P", "-t", topic, "-X", f"acks={acks}", stdin="one\ntwo\n")
    wait_until(
        lambda: kcat(cluster, "-C", "-t", topic, "-o", "beginning", "-e", "-q") == "one\ntwo\n", 10, "both are read"
    )


def test_an_unknown_topic_is_created_by_writing_to_it(cluster):
    topic = fresh("kcat-auto")
    kcat(cluster, "-P", "-t", topic, stdin="hello\n")
    assert kcat(cluster, "-C", "-t", topic, "-o", "beginning", "-e", "-q") == "hello\n"
    assert all(len(replicas) == 3 for _, replicas, _ in cluster.partitions(topic).values())
