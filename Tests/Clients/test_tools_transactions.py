"""`transactions` against a real cluster: what it lists and describes, what hangs, and how that is ended."""

import socket
import struct
import subprocess
import time

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from kafka.record.default_records import DefaultRecordBatchBuilder

from harness import MARTLET, Cluster, fresh, wait_until
from test_transactions import TIMEOUT, coordinator, producer, read, until_committed

HANGING = [
    "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset", "LastTimestamp",
    "Duration(min)",
]
PRODUCERS = [
    "ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "LastTimestamp",
    "CurrentTransactionStartOffset",
]


def run(cluster, *arguments):
    """Runs the tool; returns its exit code and both outputs."""
    done = subprocess.run(
        [MARTLET, "transactions", "--bootstrap-server", cluster.bootstrap, *map(str, arguments)],
        capture_output=True, text=True, timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def table(cluster, *arguments):
    """The titles and the rows that the tool prints; each column is as wide as its longest cell, and a tab follows."""
    code, out, err = run(cluster, *arguments)
    assert (code, err) == (0, ""), out + err
    lines = [line.split("\t") for line in out.splitlines()]
    for column in zip(*lines):
        cells = [cell.rstrip(" ") for cell in column]
        assert {len(cell) for cell in column} == {max(map(len, cells))}, out
    assert all(line[-1] == "" for line in lines), out
    titles, *rows = [[cell.rstrip(" ") for cell in line[:-1]] for line in lines]
    return titles, rows


def refused(cluster, *arguments):
    """What the tool says where it ends with 1."""
    code, out, err = run(cluster, *arguments)
    assert code == 1, out + err
    return out + err


def described(cluster, name):
    titles, rows = table(cluster, "describe", "--transactional-id", name)
    assert titles == [
        "CoordinatorId", "TransactionalId", "ProducerId", "ProducerEpoch", "TransactionState", "TransactionTimeoutMs",
        "CurrentTransactionStartTimeMs", "TransactionDurationMs", "TopicPartitions",
    ]
    assert len(rows) == 1
    return dict(zip(titles, rows[0]))


def until_state(cluster, name, state):
    wait_until(lambda: described(cluster, name)["TransactionState"] == state, TIMEOUT, f"{name} is {state}")


def opened(cluster, topic, name, partitions=1, value=b"open"):
    """A producer with a transaction open in the first partitions of a topic."""
    sender = producer(cluster, name)
    sender.begin_transaction()
    for index in range(partitions):
        sender.produce(topic, value, partition=index)
    sender.flush(TIMEOUT)
    return sender


@pytest.fixture
def topic(cluster):
    name = fresh("txt")
    cluster.create_topic(name, partitions=2)
    return name


def test_ids_are_listed_by_pattern_and_duration(cluster, topic):
    prefix = fresh("list")
    sender = opened(cluster, topic, f"{prefix}-open")
    done = opened(cluster, topic, f"{prefix}-done")
    done.commit_transaction(TIMEOUT)
    producer(cluster, f"{prefix}-idle")
    until_state(cluster, f"{prefix}-done", "CompleteCommit")

    def listed(*arguments):
        titles, rows = table(cluster, "list", *arguments)
        assert titles == ["TransactionalId", "Coordinator", "ProducerId", "TransactionState"]
        assert all(int(row[2]) >= 0 for row in rows)
        return {row[0]: (int(row[1]), row[3]) for row in rows if row[0].startswith(prefix)}

    everything = {
        f"{prefix}-{end}": (coordinator(cluster, f"{prefix}-{end}"), state)
        for end, state in [("open", "Ongoing"), ("done", "CompleteCommit"), ("idle", "Empty")]
    }
    assert listed() == everything
    assert listed("--transactional-id-pattern", f"{prefix}-.*") == everything
    assert listed("--transactional-id-pattern", "") == everything
    assert listed("--transactional-id-pattern", prefix) == {}, "a pattern has to match the whole id"
    two = listed("--transactional-id-pattern", f"{prefix}-(open|idle)")
    assert two == {name: row for name, row in everything.items() if not name.endswith("done")}
    # What has no transaction open has no duration.
    assert list(listed("--duration-filter", 1)) == [f"{prefix}-open"]
    assert listed("--duration-filter", 3_600_000) == {}
    assert listed("--duration-filter", 1, "--transactional-id-pattern", ".*-done") == {}
    assert refused(cluster, "list", "--transactional-id-pattern", "(") == (
        "Error: org.apache.kafka.common.errors.InvalidRegularExpressionException: "
        "The regular expression is not valid.\n"
    )
    sender.abort_transaction(TIMEOUT)


def test_an_id_is_described(cluster, topic):
    name = fresh("describe")
    before = int(time.time() * 1000)
    sender = opened(cluster, topic, name, partitions=2)
    row = described(cluster, name)
    after = int(time.time() * 1000)
    assert row["CoordinatorId"] == str(coordinator(cluster, name))
    assert (row["TransactionalId"], row["TransactionState"]) == (name, "Ongoing")
    assert row["TransactionTimeoutMs"] == "20000"
    assert before <= int(row["CurrentTransactionStartTimeMs"]) <= after
    assert 0 <= int(row["TransactionDurationMs"]) <= after - before
    assert row["TopicPartitions"] == f"{topic}-0,{topic}-1"
    sender.abort_transaction(TIMEOUT)
    until_state(cluster, name, "CompleteAbort")
    assert described(cluster, name)["TopicPartitions"] == ""
    idle = fresh("idle")
    producer(cluster, idle)
    row = described(cluster, idle)
    assert (row["TransactionState"], row["TopicPartitions"]) == ("Empty", "")
    assert (row["CurrentTransactionStartTimeMs"], row["TransactionDurationMs"]) == ("None", "None")
    assert refused(cluster, "describe", "--transactional-id", fresh("nobody")) == (
        "Error: org.apache.kafka.common.errors.TransactionalIdNotFoundException: "
        "The transactionalId could not be found\n"
    )


def test_producers_of_a_partition_are_described_by_each_replica(cluster, topic):
    name = fresh("producers")
    sender = opened(cluster, topic, name)
    where = ["--topic", topic, "--partition", 0]
    identity = described(cluster, name)

    def shown(*more):
        titles, rows = table(cluster, "describe-producers", *where, *more)
        assert titles == PRODUCERS
        return [dict(zip(titles, row)) for row in rows]

    for broker in [None, *cluster.nodes]:
        more = [] if broker is None else ["--broker-id", broker]
        wait_until(lambda: shown(*more), TIMEOUT, f"broker {broker} has the batch")
        (row,) = shown(*more)
        assert (row["ProducerId"], row["ProducerEpoch"]) == (identity["ProducerId"], identity["ProducerEpoch"])
        assert (row["LatestCoordinatorEpoch"], row["LastSequence"]) == ("-1", "0")
        assert abs(int(row["LastTimestamp"]) - time.time() * 1000) < 60_000
        assert row["CurrentTransactionStartOffset"] == "0"
    sender.commit_transaction(TIMEOUT)
    for broker in cluster.nodes:
        ended = lambda: shown("--broker-id", broker)[0]["CurrentTransactionStartOffset"] == "None"
        wait_until(ended, TIMEOUT, f"broker {broker} has the marker")
        assert int(shown("--broker-id", broker)[0]["LatestCoordinatorEpoch"]) >= 0


def test_what_its_coordinator_knows_does_not_hang(cluster, topic):
    sender = opened(cluster, topic, fresh("known"))
    wait_until(lambda: table(cluster, "describe-producers", "--topic", topic, "--partition", 0)[1], TIMEOUT, "a batch")
    for scope in [["--topic", topic], ["--topic", topic, "--partition", 0], ["--broker-id", 1]]:
        assert table(cluster, "find-hanging", *scope) == (HANGING, [])
    assert table(cluster, "find-hanging", "--topic", topic, "--max-transaction-timeout", 0) == (HANGING, [])
    sender.abort_transaction(TIMEOUT)
    assert "The `find-hanging` command requires either --topic or --broker-id" in refused(cluster, "find-hanging")
    assert "The --partition argument requires --topic to be provided" in refused(
        cluster, "find-hanging", "--broker-id", 1, "--partition", 0)


@pytest.fixture(scope="module")
def gullible():
    """A cluster that does not ask coordinators about what older clients write: so transactions came to hang."""
    made = Cluster(nodes=3, overrides=["transaction.partition.verification.enable=false"])
    try:
        made.up()
        # Its first producer makes the topic of the coordinators.
        producer(made, fresh("first"))
        yield made
    finally:
        made.destroy()


def hang(cluster, producer_id, minutes):
    """A topic that begins with a batch of a transaction that no coordinator knows, written minutes ago, with a plain
    record behind it."""
    topic = fresh("hang")
    cluster.create_topic(topic, partitions=1)
    cluster.wait_led(topic)
    written = int(time.time() * 1000) - minutes * 60_000
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer_id, 3, 0, 1_000)
    builder.append(0, written, None, b"hanging", [])
    records, name, client = bytes(builder.build()), topic.encode(), b"old"
    # Produce version 3, with a transactional id that nobody began.
    body = struct.pack(">hhih", 0, 3, 1, len(client)) + client + struct.pack(">h", 4) + b"lost"
    body += struct.pack(">hiih", -1, 10_000, 1, len(name)) + name + struct.pack(">iii", 1, 0, len(records)) + records
    with socket.create_connection(("127.0.0.1", cluster.port(cluster.partitions(topic)[0][0])), timeout=15) as link:
        link.sendall(struct.pack(">i", len(body)) + body)
        answer = link.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        (error,) = struct.unpack_from(">h", answer.read(size), 4 + 4 + 2 + len(name) + 4 + 4)
    assert error == 0
    plain = Producer({"bootstrap.servers": cluster.bootstrap})
    plain.produce(topic, b"behind it", partition=0)
    plain.flush(TIMEOUT)
    assert read(cluster, topic) == []
    return topic, written


def test_a_transaction_that_hangs_is_found_and_aborted_by_its_offset(gullible):
    topic, written = hang(gullible, 4_000, minutes=20)
    leader = gullible.partitions(topic)[0][0]
    for scope in [["--topic", topic], ["--topic", topic, "--partition", 0], ["--broker-id", leader]]:
        titles, rows = table(gullible, "find-hanging", *scope)
        rows = [row for row in rows if row[0] == topic]
        assert (titles, rows) == (HANGING, [[topic, "0", "4000", "3", "-1", "0", str(written), "20"]])
    assert table(gullible, "find-hanging", "--topic", topic, "--max-transaction-timeout", 30) == (HANGING, [])
    where = ["abort", "--topic", topic, "--partition", 0]
    assert "Could not find any open transactions starting at offset 1 on partition " in refused(
        gullible, *where, "--start-offset", 1)
    assert "either with --start-offset" in refused(gullible, *where)
    assert run(gullible, *where, "--start-offset", 0) == (0, "", "")
    until_committed(gullible, topic, [b"behind it"])
    assert read(gullible, topic, "read_uncommitted") == [b"behind it", b"hanging"]
    assert table(gullible, "find-hanging", "--topic", topic) == (HANGING, [])


def test_a_transaction_that_hangs_is_aborted_by_its_producer(gullible):
    topic, _ = hang(gullible, 4_001, minutes=1)
    _, rows = table(gullible, "find-hanging", "--topic", topic, "--max-transaction-timeout", 0)
    (row,) = [dict(zip(HANGING, row)) for row in rows]
    where = ["abort", "--topic", topic, "--partition", 0, "--producer-id", row["ProducerId"]]
    assert "--producer-epoch" in refused(gullible, *where)
    where += ["--producer-epoch", row["ProducerEpoch"]]
    assert "--coordinator-epoch" in refused(gullible, *where)
    # As it was shown: -1, since no coordinator has written there.
    assert run(gullible, *where, f"--coordinator-epoch={row['CoordinatorEpoch']}") == (0, "", "")
    until_committed(gullible, topic, [b"behind it"])


def test_an_id_is_ended_by_force(cluster, topic):
    name = fresh("force")
    sender = opened(cluster, topic, name)
    assert run(cluster, "forceTerminateTransaction", "--transactionalId", name) == (0, "", "")
    until_state(cluster, name, "CompleteAbort")
    with pytest.raises(KafkaException) as refusal:
        sender.commit_transaction(TIMEOUT)
    assert refusal.value.args[0].code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    next_one = opened(cluster, topic, name, value=b"of the next")
    next_one.commit_transaction(TIMEOUT)
    until_committed(cluster, topic, [b"of the next"], partitions=2)
    assert "--transactionalId" in refused(cluster, "forceTerminateTransaction")
