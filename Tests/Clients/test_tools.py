"""Our own tools against a real cluster, under their own and under Kafka's names."""

import json
import os
import subprocess

import pytest

from harness import MARTLET, fresh, martlet, wait_until


def tool(cluster, name, *arguments, **keywords):
    return martlet(name, "--bootstrap-server", cluster.bootstrap, *arguments, **keywords)


def test_topics_are_created_listed_described_and_deleted(cluster):
    topic = fresh("tool")
    made = tool(cluster, "topics", "--create", "--topic", topic, "--partitions", 2, "--config", "retention.ms=86400000")
    assert made == f"Created topic {topic}.\n"
    assert topic in tool(cluster, "topics", "--list").splitlines()
    header, *lines = tool(cluster, "topics", "--describe", "--topic", topic).splitlines()
    assert header.startswith(f"Topic: {topic}\tTopicId: ")
    assert "\tPartitionCount: 2\tReplicationFactor: 3\tConfigs: " in header and "retention.ms=86400000" in header
    assert len(lines) == 2 and all("\tElr: \tLastKnownElr: " in line for line in lines)
    tool(cluster, "topics", "--delete", "--topic", topic)
    wait_until(lambda: topic not in tool(cluster, "topics", "--list").splitlines(), 10, "the topic is gone")


def test_errors_have_kafkas_texts_and_exit_code_1(cluster):
    topic = fresh("twice")
    tool(cluster, "topics", "--create", "--topic", topic)

    def refused(*arguments):
        done = subprocess.run(
            [MARTLET, "topics", "--bootstrap-server", cluster.bootstrap, *arguments], capture_output=True, text=True
        )
        assert done.returncode == 1
        return done.stdout

    assert refused("--create", "--topic", topic) == (
        f"Error while executing topic command : Topic '{topic}' already exists.\n"
    )
    assert refused("--describe", "--topic", "nope") == (
        "Error while executing topic command : Topic 'nope' does not exist as expected\n"
    )
    many = refused("--create", "--topic", fresh("many"), "--partitions", "1", "--replication-factor", "9")
    assert "Unable to replicate the partition 9 time(s): The target replication factor of 9 cannot be reached" in many


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_console_producer_and_consumer(cluster, codec):
    topic = fresh(f"console-{codec}")
    tool(cluster, "topics", "--create", "--topic", topic, "--partitions", 1)
    lines = "".join(f"k{n}\tv{n}\n" for n in range(2_000))
    tool(
        cluster, "console-producer", "--topic", topic, "--property", "parse.key=true", "--compression-codec", codec,
        stdin=lines,
    )
    read = tool(
        cluster, "console-consumer", "--topic", topic, "--from-beginning", "--max-messages", 2_000, "--timeout-ms",
        20_000, "--property", "print.key=true",
    )
    assert read == lines


def test_consumer_groups(cluster):
    topic, group = fresh("tool-group"), fresh("group")
    tool(cluster, "topics", "--create", "--topic", topic, "--partitions", 2)
    tool(cluster, "console-producer", "--topic", topic, stdin="".join(f"{n}\n" for n in range(10)))
    read = tool(
        cluster, "console-consumer", "--topic", topic, "--group", group, "--from-beginning", "--max-messages", 10,
        "--timeout-ms", 30_000,
    )
    assert sorted(map(int, read.split())) == list(range(10))
    assert group in tool(cluster, "consumer-groups", "--list").splitlines()
    rows = [line.split() for line in tool(cluster, "consumer-groups", "--describe", "--group", group).splitlines() if line]
    assert rows[0][:6] == ["GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"]
    assert sum(int(row[3]) for row in rows[1:]) == 10 and all(row[5] == "0" for row in rows[1:])
    state = tool(cluster, "consumer-groups", "--describe", "--group", group, "--state").split()
    assert "Empty" in state


def test_metadata_quorum(cluster):
    status = tool(cluster, "metadata-quorum", "describe", "--status")
    assert "LeaderId:               " in status and "CurrentVoters:          [{\"id\": " in status
    table = tool(cluster, "metadata-quorum", "describe", "--replication").splitlines()
    assert [row.split("\t")[-2].strip() for row in table] == ["Status", "Leader", "Follower", "Follower"]
    replicas = json.loads(tool(cluster, "metadata-quorum", "describe", "--replication", "--json"))
    assert [replica["nodeId"] for replica in replicas[1:]] == sorted(replica["nodeId"] for replica in replicas[1:])
    controller = f"127.0.0.1:{cluster.base_port + 10_000}"
    asked = martlet("metadata-quorum", "--bootstrap-controller", controller, "describe", "--status", "--json")
    assert json.loads(asked)["leaderId"] == replicas[0]["nodeId"]


def test_kafkas_names_work_as_links(cluster, tmp_path):
    link = tmp_path / "kafka-topics.sh"
    os.symlink(MARTLET, link)
    done = subprocess.run(
        [link, f"--bootstrap-server={cluster.bootstrap}", "--list"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0


def test_dump_log_shows_what_was_written(cluster):
    topic = fresh("dump")
    tool(cluster, "topics", "--create", "--topic", topic, "--partitions", 1)
    tool(cluster, "console-producer", "--topic", topic, stdin="hello\nworld\n")
    log = cluster.data(1) / f"{topic}-0" / "00000000000000000000.log"
    wait_until(lambda: log.exists() and log.stat().st_size > 0, 10, "the replica has the records")
    text = martlet("dump-log", "--files", log, "--print-data-log")
    assert text.startswith(f"Dumping {log}\nLog starting offset: 0\nbaseOffset: 0 ")
    assert "isvalid: true" in text and text.count("payload: ") == 2
