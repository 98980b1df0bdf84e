"""`topics`, `get-offsets` and `delete-records` against a real cluster, in the words of Kafka's tools."""

import json
import os
import re
import subprocess
import time

import pytest

from harness import MARTLET, fresh, martlet, wait_until


def run(cluster, name, *arguments, server=True):
    """(exit code, output, complaints) of a tool."""
    connection = ["--bootstrap-server", cluster.bootstrap] if server else []
    done = subprocess.run(
        [MARTLET, name, *connection, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def good(cluster, name, *arguments):
    code, output, complaints = run(cluster, name, *arguments)
    assert code == 0, complaints + output
    return output


def topics(cluster, *arguments):
    return good(cluster, "topics", *arguments)


def create(cluster, name, *arguments):
    assert topics(cluster, "--create", "--topic", name, *arguments).endswith(f"Created topic {name}.\n")
    wait_until(lambda: name in topics(cluster, "--list").splitlines(), 10, "the topic is listed")
    return name


def failure(cluster, *arguments):
    code, output, _ = run(cluster, "topics", *arguments)
    assert code == 1
    return output


def test_the_commands_of_the_tutorial_run_verbatim(own_cluster):
    """K1 to K5: features.md 6.2, but for the address."""
    bootstrap = own_cluster.bootstrap

    def shell(text):
        return subprocess.run(
            ["bash", "-c", text], capture_output=True, text=True, timeout=60,
            env={**os.environ, "PATH": f"{links}:{os.environ['PATH']}"},
        )

    links = own_cluster.directory / "bin"
    links.mkdir()
    for name in ("kafka-topics.sh", "kafka-console-producer.sh", "kafka-console-consumer.sh"):
        os.symlink(MARTLET, links / name)
    made = f"kafka-topics.sh --create     --bootstrap-server {bootstrap}     --topic orders     --partitions 6     --replication-factor 3"
    first = shell(made)
    assert (first.returncode, first.stdout) == (0, "Created topic orders.\n")
    second = shell(made)
    assert (second.returncode, second.stdout) == (
        1, "Error while executing topic command : Topic 'orders' already exists.\n",
    )
    header, *lines = shell(f"kafka-topics.sh --describe     --bootstrap-server {bootstrap}     --topic orders").stdout.splitlines()
    assert re.match(r"Topic: orders\tTopicId: \S{22}\tPartitionCount: 6\tReplicationFactor: 3\tConfigs: ", header)
    found = [re.match(r"\tTopic: orders\tPartition: (\d)\tLeader: \d\tReplicas: (\S+)\tIsr: \S+\tElr: \tLastKnownElr: $", line) for line in lines]
    assert [match[1] for match in found] == list("012345")
    assert [match[2] for match in found[:3]] == ["1,2,3", "2,3,1", "3,1,2"]
    assert shell(f"kafka-topics.sh --list --bootstrap-server {bootstrap}").stdout == "orders\n"
    sent = shell(
        "echo '{\"order_id\": 1, \"amount\": 29.99}' | kafka-console-producer.sh     "
        f"--bootstrap-server {bootstrap}     --topic orders"
    )
    assert (sent.returncode, sent.stdout, sent.stderr) == (0, "", "")
    read = shell(
        f"timeout -s INT 8 kafka-console-consumer.sh     --bootstrap-server {bootstrap}     --topic orders     --from-beginning"
    )
    assert read.stdout == '{"order_id": 1, "amount": 29.99}\n'
    assert read.stderr == "Processed a total of 1 messages\n"


def test_create_refuses_in_kafkas_words(cluster):
    prefix = "Error while executing topic command : "
    cases = [
        (("--partitions", 0), "The partitions must be greater than 0"),
        (("--replication-factor", 0), "The replication factor must be between 1 and 32767 inclusive"),
        (("--replica-assignment", "1:1"), "Partition replica lists may not contain duplicate entries: 1"),
        (("--replica-assignment", "1:2,3"), "Partition 1 has different replication factor: [3]"),
        (
            ("--config", "nope"),
            "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".",
        ),
    ]
    for arguments, text in cases:
        assert failure(cluster, "--create", "--topic", "refused", *arguments) == prefix + text + "\n"
    assert failure(cluster, "--create", "--topic", "a b") == (
        prefix + "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', "
        "'_' and '-'\n"
    )


def test_a_name_with_a_dot_warns_and_if_not_exists_is_silent(cluster):
    name = fresh("dotted.topic")
    output = topics(cluster, "--create", "--topic", name, "--partitions", 1)
    assert output.startswith("WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ")
    assert topics(cluster, "--create", "--topic", name, "--if-not-exists").count("Created") == 0
    topics(cluster, "--delete", "--topic", name.replace(".", "\\."))


def test_options_are_checked_as_kafkas_parser_does(cluster):
    def usage(*arguments, server=True):
        code, output, complaints = run(cluster, "topics", *arguments, server=server)
        assert code == 1 and output == "" and "--under-min-isr-partitions" in complaints
        return complaints.splitlines()[0]

    actions = "Command must include exactly one action: --list, --describe, --create, --alter or --delete"
    assert usage() == actions and usage("--list", "--describe") == actions
    assert usage("--create") == 'Missing required argument "[topic]"'
    assert usage("--alter", "--topic", "a") == 'Missing required argument "[partitions]"'
    assert usage("--list", server=False) == 'Missing required argument "[bootstrap-server]"'
    assert usage("--nope") == "nope is not a recognized option"
    assert usage("--create", "--topic") == "Option topic requires an argument"
    assert usage("--create", "--topic", "a", "--partitions", "x") == "Cannot parse argument 'x' of option partitions"
    assert usage("--list", "--partitions", 1) == "Option \"[partitions]\" can't be used with option \"[list]\""
    assert usage("--create", "--topic", "a", "--replica-assignment", "1", "--partitions", 1) == (
        "Option \"[replica-assignment]\" can't be used with option \"[partitions]\""
    )
    assert usage("--describe", "--topics-with-overrides", "--unavailable-partitions") == (
        "Option \"[unavailable-partitions]\" can't be used with option \"[topics-with-overrides]\""
    )
    code, output, _ = run(cluster, "topics", "--help", server=False)
    assert code == 0 and output.startswith("This tool helps to create, delete, describe, or change a topic.\n")
    code, output, _ = run(cluster, "topics", "--version", server=False)
    assert code == 0 and output.startswith("4.3.0 ")
    code, output, complaints = run(cluster, "topics", server=False)
    assert code == 1 and output == "" and complaints.startswith("This tool helps to create, delete")


def test_alter_adds_partitions_also_by_hand(cluster):
    name = create(cluster, fresh("grow"), "--replica-assignment", "1:2,2:3")
    assert [replicas for _, replicas, _ in cluster.partitions(name).values()] == [[1, 2], [2, 3]]
    assert topics(cluster, "--alter", "--topic", name, "--partitions", 4, "--replica-assignment", "1:2,2:3,3:1,3:2") == ""
    wait_until(lambda: len(cluster.partitions(name)) == 4, 10, "the partitions are there")
    assert [cluster.partitions(name)[index][1] for index in (2, 3)] == [[3, 1], [3, 2]]
    refused = failure(cluster, "--alter", "--topic", name, "--partitions", 3)
    assert refused == (
        f"Error while executing topic command : The topic {name} currently has 4 partition(s); 3 would not be an "
        "increase.\n"
    )
    assert failure(cluster, "--alter", "--topic", "nope", "--partitions", 3).endswith(
        "Topic 'nope' does not exist as expected\n"
    )
    assert topics(cluster, "--alter", "--topic", "nope", "--partitions", 3, "--if-exists") == ""


def test_describe_by_pattern_id_and_overrides(cluster):
    base = fresh("many")
    for suffix, config in (("a", ()), ("b", ("--config", "retention.ms=60000"))):
        create(cluster, f"{base}-{suffix}", "--partitions", 1, *config)
    described = topics(cluster, "--describe", "--topic", f"{base}-.*")
    assert [line.split("\t")[0] for line in described.splitlines() if line.startswith("Topic")] == [
        f"Topic: {base}-a", f"Topic: {base}-b",
    ]
    identity = re.search(r"TopicId: (\S+)", described)[1]
    assert f"Topic: {base}-a\t" in topics(cluster, "--describe", "--topic-id", identity)
    missing = "AAAAAAAAAAAAAAAAAAAAAQ"
    assert failure(cluster, "--describe", "--topic-id", missing) == (
        f"Error while executing topic command : TopicId '{missing}' does not exist as expected\n"
    )
    assert topics(cluster, "--describe", "--topic-id", missing, "--if-exists") == ""
    overridden = topics(cluster, "--describe", "--topics-with-overrides", "--topic", f"{base}-b")
    assert "retention.ms=60000" in overridden and overridden.count("\n") == 1
    paged = topics(cluster, "--describe", "--topic", f"{base}-.*", "--partition-size-limit-per-response", 1)
    assert paged == described


def test_describe_filters_show_what_a_dead_broker_leaves(own_cluster):
    cluster = own_cluster
    create(cluster, "three", "--partitions", 3, "--replication-factor", 3, "--config", "min.insync.replicas=2")
    create(cluster, "alone", "--replica-assignment", "3")
    assert topics(cluster, "--describe", "--under-replicated-partitions") == ""
    assert topics(cluster, "--describe", "--unavailable-partitions") == ""
    cluster.kill(3)

    def lines(*filters):
        return topics(cluster, "--describe", *filters).splitlines()

    wait_until(lambda: len(lines("--under-replicated-partitions")) >= 3, 30, "the ISRs have shrunk")
    assert all(line.startswith("\tTopic: three\t") for line in lines("--at-min-isr-partitions", "--topic", "three"))
    assert len(lines("--at-min-isr-partitions", "--topic", "three")) == 3
    wait_until(lambda: len(lines("--unavailable-partitions")) == 1, 30, "the topic of the dead broker is unavailable")
    assert lines("--unavailable-partitions")[0].startswith("\tTopic: alone\tPartition: 0\tLeader: none\t")
    assert [line.split("\t")[1] for line in lines("--under-min-isr-partitions", "--topic", "alone|three")] == [
        "Topic: alone"
    ]
    both = lines("--unavailable-partitions", "--at-min-isr-partitions", "--topic", "three,alone")
    assert len(both) == 4


def test_json_has_what_the_text_has(cluster):
    name = create(cluster, fresh("json"), "--partitions", 2, "--config", "retention.ms=60000")
    listed = json.loads(topics(cluster, "--list", "--json", "--topic", name))
    assert [topic["topic"] for topic in listed] == [name] and listed[0]["internal"] is False
    (described,) = json.loads(topics(cluster, "--describe", "--json", "--topic", name))
    assert described["topicId"] == listed[0]["topicId"]
    assert described["partitionCount"] == 2 and described["replicationFactor"] == 3
    assert described["configs"]["retention.ms"] == "60000"
    assert [partition["partition"] for partition in described["partitions"]] == [0, 1]
    assert sorted(described["partitions"][0]["isr"]) == [1, 2, 3]
    offsets = json.loads(good(cluster, "get-offsets", "--topic", name, "--json"))
    assert offsets == [{"topic": name, "partition": index, "offset": 0} for index in (0, 1)]


def test_get_offsets_by_time_and_place(cluster):
    name = create(cluster, fresh("offsets"), "--partitions", 11)
    martlet(
        "console-producer", "--bootstrap-server", cluster.bootstrap, "--topic", name,
        stdin="".join(f"{n}\n" for n in range(7)),
    )
    latest = good(cluster, "get-offsets", "--topic", name).splitlines()
    assert sum(int(line.split(":")[2]) for line in latest) == 7
    order = [int(line.split(":")[1]) for line in latest]
    assert order == sorted(range(11), key=str)
    assert good(cluster, "get-offsets", "--topic", name, "--time", "earliest", "--partitions", "0,2") == (
        f"{name}:0:0\n{name}:2:0\n"
    )
    assert good(cluster, "get-offsets", "--topic-partitions", f"{name}:3-5", "--time", -2) == (
        f"{name}:3:0\n{name}:4:0\n"
    )
    future = int(time.time() * 1000) + 86_400_000
    assert good(cluster, "get-offsets", "--topic", name, "--time", future) == ""
    code, output, complaints = run(cluster, "get-offsets", "--topic", "nope")
    assert (code, output, complaints) == (
        1, "", "Error occurred: Could not match any topic-partitions with the specified filters\n",
    )
    assert run(cluster, "get-offsets", "--topic", name, "--time", "soon")[2].startswith(
        "Error occurred: Malformed time argument soon. "
    )


def test_delete_records_moves_the_beginning(cluster, tmp_path):
    name = create(cluster, fresh("delete"), "--partitions", 2)
    martlet(
        "console-producer", "--bootstrap-server", cluster.bootstrap, "--topic", name,
        "--reader-property", "parse.key=true", stdin="".join(f"{n}\tv\n" for n in range(20)),
    )
    ends = {line.split(":")[1]: int(line.split(":")[2]) for line in good(cluster, "get-offsets", "--topic", name).splitlines()}
    path = tmp_path / "offsets.json"
    path.write_text(json.dumps({
        "version": 1,
        "partitions": [
            {"topic": name, "partition": 0, "offset": 1}, {"topic": name, "partition": 1, "offset": -1},
        ],
    }))
    assert good(cluster, "delete-records", "--offset-json-file", path) == (
        "Executing records delete operation\nRecords delete operation completed:\n"
        f"partition: {name}-0\tlow_watermark: 1\npartition: {name}-1\tlow_watermark: {ends['1']}\n"
    )
    assert good(cluster, "get-offsets", "--topic", name, "--time", "earliest").splitlines() == [
        f"{name}:0:1", f"{name}:1:{ends['1']}",
    ]
    path.write_text(json.dumps({"partitions": [{"topic": name, "partition": 0, "offset": 9_999}]}))
    code, output, _ = run(cluster, "delete-records", "--offset-json-file", path)
    assert code == 1 and f"partition: {name}-0\terror: " in output
    path.write_text("{")
    assert "not a valid JSON" in run(cluster, "delete-records", "--offset-json-file", path)[2]
