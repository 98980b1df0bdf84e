"""`producer-perf-test` in transactions: when they are committed, and what becomes of them when something goes wrong."""

import subprocess
import time

import pytest

from harness import MARTLET, fresh, martlet, wait_until
from test_tools_transactions import described
from test_transactions import TIMEOUT, read, until_committed


def begin(cluster, topic, records, *arguments):
    """Starts the tool: messages are the numbers, 100 of them in a second."""
    return subprocess.Popen(
        [
            MARTLET, "producer-perf-test", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--num-records",
            str(records), "--payload-monotonic", "--throughput", "100", *map(str, arguments),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def end(process):
    out, err = process.communicate(timeout=TIMEOUT)
    return process.returncode, out, err


def numbers(count):
    return sorted(b"%d" % number for number in range(count))


def high_watermark(cluster, topic):
    """Of the one partition; a reader would follow what is being written, and not come to its end."""
    line = martlet("get-offsets", "--bootstrap-server", cluster.bootstrap, "--topic", topic).strip()
    return int(line.rsplit(":", 1)[1])


def markers(cluster, topic, records):
    """How many offsets of the one partition hold no message."""
    return high_watermark(cluster, topic) - records


@pytest.fixture
def topic(cluster):
    name = fresh("perf")
    cluster.create_topic(name, partitions=1)
    return name


def test_a_transaction_is_committed_when_its_time_is_over(cluster, topic):
    name = fresh("id")
    code, out, err = end(begin(cluster, topic, 100, "--transactional-id", name, "--transaction-duration-ms", 200))
    assert (code, err) == (0, "") and out.startswith("100 records sent, ")
    until_committed(cluster, topic, numbers(100))
    state = described(cluster, name)
    assert state["TransactionTimeoutMs"] == "60000"
    # About a second of messages: the last one is committed at the end, whatever its time.
    assert 3 <= markers(cluster, topic, 100) <= 6
    # Each transaction has its own epoch.
    assert int(state["ProducerEpoch"]) >= 3


def test_the_default_time_is_longer_than_a_short_test(cluster, topic):
    code, out, err = end(
        begin(
            cluster, topic, 20, "--command-property", f"transactional.id={fresh('id')}", "compression.type=zstd",
            "linger.ms=50", "buffer.memory=100", "transaction.timeout.ms=20000",
        ))
    assert (code, err) == (0, "") and out.startswith("20 records sent, ")
    until_committed(cluster, topic, numbers(20))
    assert markers(cluster, topic, 20) == 1


def test_what_is_open_is_seen_by_those_only_who_want_it(cluster, topic):
    process = begin(cluster, topic, 300, "--transaction-duration-ms", 60_000)
    wait_until(lambda: high_watermark(cluster, topic) > 0, TIMEOUT, "something is written")
    assert read(cluster, topic) == []
    assert end(process)[0] == 0
    until_committed(cluster, topic, numbers(300))


def test_without_epochs_of_their_own(own_cluster):
    cluster, topic, name = own_cluster, fresh("perf"), fresh("id")
    cluster.create_topic(topic, partitions=1)
    martlet(
        "features", "--bootstrap-server", cluster.bootstrap, "downgrade", "--feature", "transaction.version=1")
    code, out, err = end(begin(cluster, topic, 60, "--transactional-id", name, "--transaction-duration-ms", 100))
    assert (code, err) == (0, ""), out
    until_committed(cluster, topic, numbers(60))
    # An epoch lasts for many transactions; one in which an answer is missing is followed by another epoch.
    assert 3 <= markers(cluster, topic, 60) > int(described(cluster, name)["ProducerEpoch"]) + 1


def test_each_message_once_though_nodes_die(own_cluster):
    cluster, topic, name = own_cluster, fresh("perf"), fresh("id")
    cluster.create_topic(topic, partitions=1)
    process = begin(cluster, topic, 600, "--transactional-id", name, "--transaction-duration-ms", 300)
    wait_until(lambda: high_watermark(cluster, topic) > 50, TIMEOUT, "some transactions are committed")
    leader = cluster.partitions(topic)[0][0]
    coordinator = int(described(cluster, name)["CoordinatorId"])
    for node in dict.fromkeys((leader, coordinator)):
        cluster.kill(node)
        time.sleep(0.5)  # as long as the node is to be dead
        cluster.start(node)
        cluster.wait_in_sync(topic)
    code, out, err = end(process)
    assert (code, err) == (0, ""), out
    until_committed(cluster, topic, numbers(600))


def test_it_ends_where_all_nodes_are_dead(own_cluster):
    cluster, topic = own_cluster, fresh("perf")
    cluster.create_topic(topic, partitions=1)
    process = begin(
        cluster, topic, 3_000, "--transaction-duration-ms", 60_000, "--command-property", "delivery.timeout.ms=2000",
        "max.block.ms=3000",
    )
    wait_until(lambda: high_watermark(cluster, topic) > 0, TIMEOUT, "something is written")
    for node in cluster.nodes:
        cluster.kill(node)
    code, out, err = end(process)
    assert (code, out) == (1, "")
    # Each message that was taken and not written, and the tool itself.
    assert set(err.splitlines()) == {"The transaction has to be aborted: REQUEST_TIMED_OUT"}


def test_a_second_tool_of_the_id_fences_the_first(cluster, topic):
    name = fresh("id")
    first = begin(cluster, topic, 1_000, "--transactional-id", name, "--transaction-duration-ms", 60_000)
    wait_until(lambda: high_watermark(cluster, topic) > 0, TIMEOUT, "the first writes")
    assert end(begin(cluster, topic, 5, "--transactional-id", name))[0] == 0
    code, out, err = end(first)
    assert (code, out) == (1, "")
    assert "PRODUCER_FENCED" in err or "INVALID_PRODUCER_EPOCH" in err
    until_committed(cluster, topic, numbers(5))


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("--transaction-duration-ms", 0), "error: --transaction-duration-ms should be greater than zero"),
        (("--transactional-id", ""), "Invalid value  for configuration transactional.id: String must be non-empty"),
        (
            ("--transactional-id", "a", "--command-property", "acks=1"),
            "Cannot set a transactional.id without also enabling idempotence.",
        ),
        (
            ("--transactional-id", "a", "--command-property", "transaction.timeout.ms=999999999"),
            "INVALID_TRANSACTION_TIMEOUT",
        ),
    ],
)
def test_what_cannot_be_is_refused(cluster, topic, arguments, text):
    code, out, err = end(begin(cluster, topic, 1, *arguments))
    assert (code, out) == (1, "") and text in err
    assert read(cluster, topic, "read_uncommitted") == []


def test_the_console_producer_refuses_an_id(cluster, topic):
    done = subprocess.run(
        [
            MARTLET, "console-producer", "--bootstrap-server", cluster.bootstrap, "--topic", topic,
            "--command-property", "transactional.id=a",
        ],
        input="line\n", capture_output=True, text=True, timeout=TIMEOUT,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "transactional.id=a: console-producer does not send in transactions; leave transactional.id out\n"
    )
    assert read(cluster, topic, "read_uncommitted") == []
