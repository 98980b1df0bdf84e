"""consumer-groups and groups against a real cluster: output, errors and exit codes word for word."""

import json
import subprocess
import threading

import pytest
from kafka import KafkaConsumer

from harness import MARTLET, fresh, martlet, wait_until


def run(cluster, name, *arguments, stdin=None):
    """Runs a tool; returns its exit code and both outputs."""
    done = subprocess.run(
        [MARTLET, name, "--bootstrap-server", cluster.bootstrap, *map(str, arguments)],
        capture_output=True, text=True, input=stdin, timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def groups(cluster, *arguments):
    return run(cluster, "consumer-groups", *arguments)


@pytest.fixture
def topic(cluster):
    """A topic of two partitions with 10 and 20 records."""
    name = fresh("groups")
    martlet("topics", "--bootstrap-server", cluster.bootstrap, "--create", "--topic", name, "--partitions", 2)
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap.split(","))
    for partition, count in ((0, 10), (1, 20)):
        for number in range(count):
            producer.send(name, b"%d" % number, partition=partition, timestamp_ms=1_700_000_000_000 + number * 1_000)
    producer.flush()
    producer.close()
    return name


class Member:
    """A consumer that polls in the background until it is closed."""

    def __init__(self, cluster, topic, group, **keywords):
        self.consumer = KafkaConsumer(
            topic, group_id=group, bootstrap_servers=cluster.bootstrap.split(","), auto_offset_reset="earliest",
            client_id="reader", heartbeat_interval_ms=200, **keywords,
        )
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()

    def poll(self):
        while not self.ends.is_set():
            self.consumer.poll(timeout_ms=50)
        self.consumer.close()

    def close(self):
        self.ends.set()
        self.thread.join(timeout=20)


def stable(cluster, group):
    code, out, _ = groups(cluster, "--describe", "--group", group, "--state")
    return code == 0 and "Stable" in out


def test_a_group_that_does_not_exist(cluster):
    assert groups(cluster, "--describe", "--group", "nope") == (
        1, "\nError: Consumer group 'nope' does not exist.\n", ""
    )
    code, out, _ = groups(cluster, "--delete", "--group", "nope")
    assert (code, out) == (
        1,
        "\nError: Deletion of some consumer groups failed:\n* Group 'nope' could not be deleted due to: "
        "org.apache.kafka.common.errors.GroupIdNotFoundException: The group id does not exist.\n",
    )
    code, out, _ = groups(cluster, "--delete-offsets", "--group", "nope", "--topic", "nope:0")
    assert code == 1 and out.startswith("\nError: 'nope' does not exist.\n")


@pytest.mark.parametrize(
    "scenario, expected",
    [
        (("--to-earliest",), (0, 0)),
        (("--to-latest",), (10, 20)),
        (("--to-offset", 15), (10, 15)),
        (("--to-datetime", "2023-11-14T22:13:25.000"), (5, 5)),
        (("--to-datetime", "2023-11-14T23:13:35.000+01:00"), (10, 15)),
        (("--by-duration", "P20000D"), (0, 0)),
        (("--to-current",), (10, 20)),
    ],
)
def test_offsets_are_reset(cluster, topic, scenario, expected):
    group = fresh("reset")
    code, out, err = groups(cluster, "--reset-offsets", "--group", group, "--topic", topic, *scenario, "--execute")
    first, second = max(15, len(group)), max(15, len(topic))
    line = f"\n{{:<{first}}} {{:<{second}}} {{:<10}} {{:<15}}"
    rows = [("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET")] + [(group, topic, n, o) for n, o in enumerate(expected)]
    assert (code, out) == (0, "".join(line.format(*row) for row in rows) + "\n"), err
    described = json.loads(groups(cluster, "--describe", "--group", group, "--json")[1])
    assert [row["currentOffset"] for row in described] == list(expected)
    assert [row["lag"] for row in described] == [10 - expected[0], 20 - expected[1]]


def test_a_reset_without_execute_only_shows(cluster, topic):
    group = fresh("dry")
    code, out, err = groups(cluster, "--reset-offsets", "--group", group, "--topic", f"{topic}:1", "--to-latest")
    assert code == 0 and "NEW-OFFSET" in out and out.count(topic) == 1
    assert err.startswith("WARN: No action will be performed as the --execute option is missing. In a future major ")
    assert groups(cluster, "--describe", "--group", group)[0] == 1


def test_resets_by_distance_and_by_file(cluster, topic, tmp_path):
    group = fresh("shift")
    groups(cluster, "--reset-offsets", "--group", group, "--topic", topic, "--to-offset", 8, "--execute")
    code, out, err = groups(
        cluster, "--reset-offsets", "--group", group, "--all-topics", "--shift-by", 5, "--execute", "--export"
    )
    assert (code, out) == (0, f"{topic},0,10\n{topic},1,13\n")
    assert err == f"WARN New offset (13) is higher than latest offset for topic partition {topic}-0. Value will be set to 10\n"
    _, out, _ = groups(
        cluster, "--reset-offsets", "--group", group, "--all-topics", "--shift-by", -100, "--export", "--dry-run"
    )
    assert out == f"{topic},0,0\n{topic},1,0\n"
    plan = tmp_path / "plan.csv"
    plan.write_text(f"{topic},0,3\n{topic},1,900\n")
    code, out, _ = groups(
        cluster, "--reset-offsets", "--group", group, "--from-file", plan, "--execute", "--export"
    )
    assert (code, out) == (0, f"{topic},0,3\n{topic},1,20\n")
    other = fresh("shift")
    plan.write_text(f"{group},{topic},0,1\n{other},{topic},1,2\n")
    code, out, _ = groups(
        cluster, "--reset-offsets", "--group", group, "--group", other, "--from-file", plan, "--execute", "--export"
    )
    assert (code, out) == (0, f"{group},{topic},0,1\n{other},{topic},1,2\n")
    code, _, err = groups(
        cluster, "--reset-offsets", "--group", other, "--topic", topic, "--shift-by", 1, "--execute"
    )
    assert code == 1
    assert err.startswith(f"Cannot shift offset for partition {topic}-0 since there is no current committed offset\n")


def test_a_group_with_members(cluster, topic):
    group = fresh("live")
    member = Member(cluster, topic, group, group_instance_id="one")
    try:
        wait_until(lambda: stable(cluster, group), 20, "the group is stable")
        code, out, _ = groups(cluster, "--reset-offsets", "--group", group, "--topic", topic, "--to-latest", "--execute")
        assert (code, out) == (
            1,
            f"\nError: Assignments can only be reset if the group '{group}' is inactive, but the current state is Stable.\n",
        )
        code, out, _ = groups(cluster, "--delete", "--group", group)
        assert code == 1 and "org.apache.kafka.common.errors.GroupNotEmptyException: The group is not empty." in out
        code, out, _ = groups(cluster, "--delete-offsets", "--group", group, "--topic", topic)
        assert code == 1
        assert out.startswith("\nError: Encounter some partition level error, see the follow-up details:\n")
        assert (
            "Error: Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it." in out
        )
        code, out, err = groups(cluster, "--describe", "--group", group, "--members", "--verbose")
        header, row = [line for line in out.splitlines() if line]
        assert (code, err) == (0, "")
        assert header.split() == [
            "GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS", "CURRENT-EPOCH",
            "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT",
        ]
        cells = row.split()
        assert cells[2:6] == ["one", "/127.0.0.1", "reader", "2"]
        assert cells[6:] == ["-", f"{topic}:0,1", "-", f"{topic}:0,1"]
        state = json.loads(groups(cluster, "--describe", "--group", group, "--state", "--json")[1])
        assert state[0]["state"] == "Stable" and state[0]["members"] == 1 and state[0]["assignmentStrategy"] == "range"
        rows = json.loads(groups(cluster, "--describe", "--group", group, "--json")[1])
        assert [row["clientId"] for row in rows] == ["reader", "reader"]
        listed = groups(cluster, "--list", "--state", "stable", "--type")[1].splitlines()
        assert listed[0].split() == ["GROUP", "TYPE", "STATE"]
        assert any(line.split() == [group, "Classic", "Stable"] for line in listed)
        assert group not in groups(cluster, "--list", "--state=Empty")[1]
        table = [line.split() for line in run(cluster, "groups", "--list")[1].splitlines()]
        assert table[0] == ["GROUP", "TYPE", "PROTOCOL"] and [group, "Classic", "consumer"] in table
    finally:
        member.close()
    # A static member keeps its place until its session ends.
    assert stable(cluster, group)


def test_groups_and_their_offsets_are_deleted(cluster, topic):
    first, second = sorted([fresh("gone"), fresh("gone")])
    for group in (first, second):
        groups(cluster, "--reset-offsets", "--group", group, "--topic", topic, "--to-latest", "--execute")
    code, out, _ = groups(cluster, "--delete-offsets", "--group", first, "--topic", f"{topic}:0")
    width = max(15, len(topic))
    assert (code, out) == (
        0,
        f"Request succeed for deleting offsets with topic {topic}:0 group {first}\n"
        f"\n{'TOPIC':<{width}} PARTITION  STATUS         \n{topic:<{width}} 0          Successful     \n",
    )
    rows = json.loads(groups(cluster, "--describe", "--group", first, "--json")[1])
    assert [row["partition"] for row in rows] == [1]
    assert groups(cluster, "--delete", "--group", first, "--group", second)[:2] == (
        0, f"Deletion of requested consumer groups ('{first}', '{second}') was successful.\n"
    )
    assert first not in groups(cluster, "--list")[1].splitlines()


def test_offsets_of_deleted_topics_are_gone(cluster, topic):
    group = fresh("topicless")
    groups(cluster, "--reset-offsets", "--group", group, "--topic", topic, "--to-latest", "--execute")
    martlet("topics", "--bootstrap-server", cluster.bootstrap, "--delete", "--topic", topic)
    wait_until(lambda: groups(cluster, "--describe", "--group", group)[0] == 1, 20, "the group has nothing left")


def test_options_that_make_no_sense(cluster):
    code, out, err = groups(cluster)
    assert (code, out) == (1, "")
    assert err.startswith(
        "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets"
    )
    code, _, err = groups(cluster, "--list", "--state", "tired")
    assert code == 1 and err.startswith("Invalid state list 'tired'. Valid states are: ")
    assert subprocess.run([MARTLET, "consumer-groups", "--validate-regex", "a.*"], capture_output=True).returncode == 0
    bad = subprocess.run([MARTLET, "consumer-groups", "--validate-regex", "("], capture_output=True, text=True)
    assert bad.returncode == 1 and bad.stdout.startswith("The regular expression `(` is invalid: ")
