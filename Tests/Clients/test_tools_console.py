"""The console tools, dump-log and the performance tools against a real cluster."""

import json
import re
import signal
import subprocess
import time

import pytest
from confluent_kafka import Producer

from harness import MARTLET, Cluster, fresh, martlet, wait_until


def tool(cluster, name, *arguments, **keywords):
    return martlet(name, "--bootstrap-server", cluster.bootstrap, *arguments, **keywords)


def run(*arguments, stdin=None):
    done = subprocess.run([MARTLET, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def topic(cluster):
    name = fresh("console")
    tool(cluster, "topics", "--create", "--topic", name, "--partitions", 1)
    return name


def produce(cluster, topic, text, *arguments):
    tool(cluster, "console-producer", "--topic", topic, *arguments, stdin=text)


def consume(cluster, topic, count, *arguments):
    return tool(
        cluster, "console-consumer", "--topic", topic, "--from-beginning", "--max-messages", count, "--timeout-ms",
        20_000, *arguments,
    )


def test_lines_with_headers_keys_and_nulls(cluster, topic):
    produce(
        cluster, topic, "h1:v1,h2:NIL\tk\tv\nNIL\tk2\tNIL\n", "--reader-property", "parse.headers=true",
        "--reader-property", "parse.key=true", "--reader-property", "null.marker=NIL", "--sync",
    )
    shown = consume(
        cluster, topic, 2, "--formatter-property", "print.headers=true", "--formatter-property", "print.key=true",
        "--formatter-property", "print.offset=true", "--formatter-property", "print.partition=true",
    )
    assert shown == (
        "Partition:0\tOffset:0\th1:v1,h2:null\tk\tv\nPartition:0\tOffset:1\tNO_HEADERS\tk2\tnull\n"
    )


def test_a_line_that_cannot_be_divided_stops_the_producer(cluster, topic):
    code, output, complaints = run(
        "console-producer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--property", "parse.key=true",
        stdin="a\tb\nabc\nd\te\n",
    )
    assert (code, output) == (1, "")
    assert complaints.splitlines() == [
        "Option --property is deprecated and will be removed in a future version. Use --reader-property instead.",
        "No key separator found on line number 2: 'abc'",
    ]
    assert consume(cluster, topic, 1) == "b\n"


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_properties_of_the_producer_come_from_the_file_and_the_command_line(cluster, topic, acks, tmp_path):
    config = tmp_path / "producer.properties"
    config.write_text(f"# a comment\nacks : {acks}\nlinger.ms=1\n")
    cluster.wait_led(topic)
    produce(cluster, topic, "one\ntwo\n", "--command-config", config, "--command-property", "batch.size=1", "--compression-codec")
    assert consume(cluster, topic, 2) == "one\ntwo\n"


def test_old_and_new_names_of_an_option_exclude_each_other(cluster, topic):
    code, _, complaints = run(
        "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--consumer-property", "a=b",
        "--command-property", "c=d",
    )
    assert code == 1
    assert complaints.startswith(
        "Options --consumer-property and --command-property cannot be specified together.\n"
    )


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((), "Exactly one of --include/--topic is required. "),
        (("--topic", "a", "--include", "b"), "Exactly one of --include/--topic is required. "),
        (("--topic", "a", "--offset", "1"), "The partition is required when offset is specified."),
        (
            ("--topic", "a", "--partition", "0", "--offset", "1", "--from-beginning"),
            "Options from-beginning and offset cannot be specified together.",
        ),
        (("--include", "a", "--partition", "0"), "The topic is required when partition is specified."),
        (("--topic", "a", "--partition", "0", "--group", "g"), "Options group and partition cannot be specified together."),
        (("--topic", "a"), 'Missing required argument "[bootstrap-server]"'),
    ],
)
def test_options_of_the_consumer_that_make_no_sense(cluster, arguments, text):
    connection = () if "Missing" in text else ("--bootstrap-server", cluster.bootstrap)
    code, output, complaints = run("console-consumer", *connection, *arguments)
    assert (code, output) == (1, "") and complaints.startswith(text + "\n") and "--formatter-property" in complaints


def test_one_partition_from_an_offset(cluster, topic):
    produce(cluster, topic, "".join(f"{n}\n" for n in range(5)))
    arguments = ("--topic", topic, "--partition", 0, "--max-messages", 2, "--timeout-ms", 20_000)
    assert tool(cluster, "console-consumer", *arguments, "--offset", 3) == "3\n4\n"
    assert tool(cluster, "console-consumer", *arguments, "--offset", "earliest") == "0\n1\n"


def test_without_a_group_it_joins_one_of_its_own_and_leaves_it(cluster, topic):
    def groups():
        listed = tool(cluster, "consumer-groups", "--list").splitlines()
        return [name for name in listed if re.fullmatch(r"console-consumer-\d{1,5}", name) and name not in before]

    before = []
    before = groups()
    process = subprocess.Popen(
        [MARTLET, "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        wait_until(lambda: groups(), 20, "the group is there")
        group = groups()[0]
        wait_until(lambda: "Stable" in tool(cluster, "consumer-groups", "--describe", "--group", group, "--state"), 20, "it is stable")
        time.sleep(1)  # the position at the end is asked for after the group is stable
        produce(cluster, topic, "late\n")
        assert process.stdout.readline() == "late\n"
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
        assert complaints == "Processed a total of 1 messages\n" and process.returncode == 0
    finally:
        process.kill()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_pattern_finds_topics_that_are_made_later(cluster, protocol):
    base = fresh("pattern")
    tool(cluster, "topics", "--create", "--topic", f"{base}-1", "--partitions", 1)
    process = subprocess.Popen(
        [
            MARTLET, "console-consumer", "--bootstrap-server", cluster.bootstrap, "--include", f"{base}-.*",
            "--from-beginning", "--max-messages", "3", "--timeout-ms", "40000", "--command-property",
            "metadata.max.age.ms=300", "--command-property", f"group.protocol={protocol}",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        produce(cluster, f"{base}-1", "one\n")
        assert process.stdout.readline() == "one\n"
        tool(cluster, "topics", "--create", "--topic", f"{base}-2", "--partitions", 2)
        produce(cluster, f"{base}-2", "two\n")
        assert process.stdout.readline() == "two\n"
        produce(cluster, f"{base}-1", "three\n")
        assert process.stdout.readline() == "three\n"
        process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()


def test_two_consumers_share_by_the_consumer_protocol(cluster):
    """The second takes half of the partitions over where the first has committed, and gives them back."""
    topic, group = fresh("shared"), fresh("sharing")
    tool(cluster, "topics", "--create", "--topic", topic, "--partitions", 4)

    def start():
        return subprocess.Popen(
            [
                MARTLET, "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--group", group,
                "--from-beginning", "--command-property", "group.protocol=consumer",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def shares():
        lines = tool(cluster, "consumer-groups", "--describe", "--group", group, "--members").splitlines()
        columns = next((line.split() for line in lines if line.startswith("GROUP")), [])
        return sorted(int(line.split()[columns.index("#PARTITIONS")]) for line in lines if line.startswith(group))

    def write(first, count):
        lines = [f"{n}" for n in range(first, first + count)]
        producer = Producer({"bootstrap.servers": cluster.bootstrap})
        for index, line in enumerate(lines):
            producer.produce(topic, line, partition=index % 4)
        assert producer.flush(30) == 0
        return lines

    one = start()
    two = None
    try:
        wait_until(lambda: shares() == [4], 30, "the first has all")
        state = tool(cluster, "consumer-groups", "--describe", "--group", group, "--state")
        assert "Stable" in state and "uniform" in state, state
        written = write(0, 8)
        read = [one.stdout.readline().strip() for _ in range(8)]
        two = start()
        wait_until(lambda: shares() == [2, 2], 30, "each has half")
        written += write(8, 8)
        read += [one.stdout.readline().strip() for _ in range(4)]
        others = [two.stdout.readline().strip() for _ in range(4)]
        two.send_signal(signal.SIGINT)
        assert two.communicate(timeout=20)[1] == "Processed a total of 4 messages\n"
        wait_until(lambda: shares() == [4], 30, "the first has all again")
        written += write(16, 8)
        read += [one.stdout.readline().strip() for _ in range(8)]
        one.send_signal(signal.SIGINT)
        assert one.communicate(timeout=20)[1] == "Processed a total of 20 messages\n"
        assert sorted(read + others) == sorted(written)
        assert "Empty" in tool(cluster, "consumer-groups", "--describe", "--group", group, "--state")
    finally:
        for process in filter(None, [one, two]):
            process.kill()


@pytest.mark.parametrize("properties, complaint", [
    (["group.protocol=raft"], "String must be one of (case insensitive): CLASSIC, CONSUMER"),
    (["group.protocol=consumer", "session.timeout.ms=6000"], "session.timeout.ms cannot be set when group.protocol=CONSUMER"),
    (["group.remote.assignor=range"], "group.remote.assignor cannot be set when group.protocol=CLASSIC"),
])
def test_what_a_group_protocol_does_not_know_is_refused(cluster, topic, properties, complaint):
    given = [word for line in properties for word in ("--command-property", line)]
    code, _, complaints = run("console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, *given)
    assert code == 1 and complaint in complaints, complaints


def test_nothing_comes_in_time(cluster, topic):
    code, output, complaints = run(
        "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--timeout-ms", 500
    )
    assert (code, output) == (0, "") and "TimeoutException" in complaints
    assert complaints.endswith("Processed a total of 0 messages\n")


def test_values_that_are_no_numbers_end_the_consumer_or_are_skipped(cluster, topic):
    produce(cluster, topic, "four\nfive!\n")
    deserializer = ("--value-deserializer", "org.apache.kafka.common.serialization.IntegerDeserializer")
    arguments = (
        "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--from-beginning",
        "--timeout-ms", 20_000, "--max-messages", 2, *deserializer,
    )
    number = int.from_bytes(b"four", "big")
    code, output, complaints = run(*arguments)
    assert (code, output) == (1, f"{number}\n") and "Processed a total of 2 messages" in complaints
    code, output, complaints = run(*arguments, "--skip-message-on-error")
    assert (code, output) == (0, f"{number}\n") and "skipping this message" in complaints


def test_formatters_by_their_class(cluster, topic):
    produce(cluster, topic, "v\n")
    package = "org.apache.kafka.tools.consumer."
    assert consume(cluster, topic, 1, "--formatter", package + "NoOpMessageFormatter") == ""
    assert consume(cluster, topic, 1, "--formatter", package + "DefaultMessageFormatter") == "v\n"
    code, output, complaints = run(
        "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", topic, "--from-beginning",
        "--max-messages", 1, "--formatter", package + "LoggingMessageFormatter",
    )
    assert (code, output) == (0, "v\n") and re.search(r"INFO CreateTime:\d+, key:null value:v\n", complaints)
    assert run("console-consumer", "--topic", "a", "--bootstrap-server", "b:1", "--formatter", "no.Such")[0] == 1


def test_committed_offsets_are_read_from_their_topic(cluster, topic):
    group = fresh("reader")
    produce(cluster, topic, "a\nb\n")
    consume(cluster, topic, 2, "--group", group)
    lines = tool(
        cluster, "console-consumer", "--topic", "__consumer_offsets", "--from-beginning", "--timeout-ms", 4_000,
        "--formatter", "org.apache.kafka.tools.consumer.OffsetsMessageFormatter",
    ).splitlines()
    records = [json.loads(line) for line in lines]
    mine = [record for record in records if record["key"]["data"]["group"] == group]
    assert mine[-1]["key"]["data"] == {"group": group, "topic": topic, "partition": 0}
    assert mine[-1]["value"]["data"]["offset"] == 2


def test_dump_log_decodes_the_logs_of_the_node(cluster, topic):
    metadata = sorted((cluster.data(1)).rglob("__cluster_metadata-0/*.log"))[0]
    text = martlet("dump-log", "--files", metadata, "--cluster-metadata-decoder")
    assert '{"type":"TOPIC_RECORD","version":0,"data":{"name":"' + topic + '"' in text
    assert '"type":"PARTITION_RECORD"' in text and "controlType: LEADER_CHANGE(2)" in text
    assert "Error at" not in text and "Error" not in text
    group = fresh("dumped")
    produce(cluster, topic, "a\n")
    consume(cluster, topic, 1, "--group", group)
    decoded = ""
    for log in sorted(cluster.data(1).glob("__consumer_offsets-*/*.log")):
        if log.stat().st_size:
            decoded += martlet("dump-log", "--files", log, "--offsets-decoder")
    assert f'"group":"{group}"' in decoded and '"protocolType":"consumer"' in decoded
    index = cluster.data(1) / f"{topic}-0" / "00000000000000000000.timeindex"
    if index.exists():
        martlet("dump-log", "--files", index)
    code, _, complaints = run("dump-log", "--files", "/nowhere/00000000000000000000.log")
    assert code == 1 and complaints
    assert run("dump-log")[0] == 1


def test_the_performance_tools_print_kafkas_lines(cluster, topic):
    code, output, complaints = run(
        "producer-perf-test", "--topic", topic, "--num-records", 2_000, "--record-size", 100, "--throughput", -1,
        "--producer-props", f"bootstrap.servers={cluster.bootstrap}", "linger.ms=5",
    )
    assert code == 0, complaints
    assert re.fullmatch(
        r"2000 records sent, [\d.]+ records/sec \([\d.]+ MB/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency, "
        r"\d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99.9th\.\n", output,
    )
    header, line = tool(
        cluster, "consumer-perf-test", "--topic", topic, "--messages", 2_000, "--timeout", 20_000
    ).splitlines()
    assert header == (
        "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, "
        "fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec"
    )
    fields = line.split(", ")
    assert len(fields) == 10 and fields[4] == "2000" and fields[2] == "0.1907"
    throttled = time.monotonic()
    tool(
        cluster, "producer-perf-test", "--topic", topic, "--num-records", 100, "--payload-monotonic", "--throughput",
        100, "--command-property", "linger.ms=0",
    )
    assert time.monotonic() - throttled > 0.9
    few = tool(cluster, "consumer-perf-test", "--topic", topic, "--num-records", 9_999, "--timeout", 1_000, "--hide-header")
    assert few.startswith("WARNING: Exiting before consuming the expected number of messages: timeout (1000 ms) exceeded.")


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("--num-records", 1), "argument --topic is required"),
        (("--topic", "a", "--num-records", 1, "--throughput", -1), "At least one of --bootstrap-server"),
        (("--topic", "a", "--num-records", 0, "--throughput", -1), "--num-records should be greater than zero"),
        (
            ("--topic", "a", "--num-records", 1, "--throughput", -1, "--bootstrap-server", "b:1"),
            "one of the arguments --record-size --payload-file --payload-monotonic is required",
        ),
        (
            (
                "--topic", "a", "--num-records", 1, "--throughput", -1, "--bootstrap-server", "b:1", "--record-size",
                1, "--payload-monotonic",
            ),
            "argument --payload-monotonic: not allowed with argument --record-size",
        ),
    ],
)
def test_options_of_the_producer_test_that_make_no_sense(arguments, text):
    code, output, complaints = run("producer-perf-test", *arguments)
    assert (code, output) == (1, "") and complaints.startswith("usage: producer-performance ")
    assert "producer-performance: error: " + text in complaints


def test_latency_from_end_to_end(cluster):
    name = fresh("latency")
    output = martlet("e2e-latency", cluster.bootstrap, name, 50, "all", 100).splitlines()
    assert output[0] == (
        f'Topic "{name}" does not exist. Will create topic with 1 partition(s) and replication factor = 1'
    )
    assert re.fullmatch(r"0\t[\d.]+", output[1]) and re.fullmatch(r"Avg latency: \d+\.\d{4} ms", output[2])
    assert re.fullmatch(r"Percentiles: 50th = \d+, 99th = \d+, 99.9th = \d+", output[3])


def test_a_topic_that_is_made_later_is_read_from_its_beginning(own_cluster_without_creation):
    cluster = own_cluster_without_creation
    process = subprocess.Popen(
        [
            MARTLET, "console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", "later",
            "--from-beginning", "--max-messages", "1", "--timeout-ms", "40000",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        wait_until(lambda: tool(cluster, "consumer-groups", "--list"), 20, "the group is there")
        tool(cluster, "topics", "--create", "--topic", "later", "--partitions", 1)
        produce(cluster, "later", "first\n")
        output, _ = process.communicate(timeout=40)
        assert output == "first\n"
    finally:
        process.kill()


@pytest.fixture
def own_cluster_without_creation():
    cluster = Cluster(
        nodes=3, overrides=["group.initial.rebalance.delay.ms=100", "auto.create.topics.enable=false"]
    )
    try:
        yield cluster.up()
    finally:
        cluster.destroy()
