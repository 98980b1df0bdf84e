"""consumer-groups --describe --timeline: what the coordinator tells of groups of real clients, of both protocols."""

import json
import signal
import subprocess
import sys
import time

from confluent_kafka import Consumer

from harness import fresh, martlet, wait_until
from test_tools_groups import Member, groups, stable, topic  # noqa: F401 (a fixture)


def timeline(cluster, group):
    """The events of a group, and its advice."""
    code, out, err = groups(cluster, "--describe", "--timeline", "--group", group, "--json")
    assert code == 0, out + err
    rows = json.loads(out)
    return [row for row in rows if row["event"] != "advice"], [row["why"] for row in rows if row["event"] == "advice"]


def kinds(cluster, group):
    return [event["event"] for event in timeline(cluster, group)[0]]


def test_members_of_the_classic_protocol_come_and_go(cluster, topic):  # noqa: F811
    group = fresh("line")
    first = Member(cluster, topic, group)
    wait_until(lambda: stable(cluster, group), 20, "the first member has its share")
    second = Member(cluster, topic, group)
    wait_until(lambda: kinds(cluster, group).count("stable") >= 2, 20, "both have theirs")
    second.close()
    wait_until(lambda: "left" in kinds(cluster, group) and stable(cluster, group), 20, "the first has all again")
    first.close()
    wait_until(lambda: kinds(cluster, group)[-1] == "empty", 20, "nobody is left")
    events, advice = timeline(cluster, group)
    assert [e["event"] for e in events if e["event"] in ("joined", "left")] == ["joined", "joined", "left", "left"]
    assert all(e["clientId"] == "reader" and e["host"] == "/127.0.0.1" for e in events if e["event"] == "joined")
    assert [e["epoch"] for e in events if e["event"] == "stable"][:2] == [1, 2]
    assert all(0 <= e["tookMs"] < 20_000 for e in events if e["event"] == "stable")
    assert not any("max.poll" in line for line in advice), advice


def test_a_member_that_polls_too_slowly_is_seen(cluster, topic):  # noqa: F811
    group = fresh("slow")
    consumer = Consumer({
        "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 6_000, "max.poll.interval.ms": 6_000,
        "heartbeat.interval.ms": 200,
    })
    consumer.subscribe([topic])
    wait_until(lambda: consumer.poll(0.1) is not None, 20, "it reads")
    # librdkafka leaves by itself when nobody polls for max.poll.interval.ms, and says no reason.
    gone = {"left", "session-expired"}
    wait_until(lambda: gone & set(kinds(cluster, group)), 30, "it is out")
    assert kinds(cluster, group)[-1] == "empty"
    consumer.close()


READER = """
import sys
from kafka import KafkaConsumer
consumer = KafkaConsumer(sys.argv[2], group_id=sys.argv[3], bootstrap_servers=sys.argv[1].split(","),
                         auto_offset_reset="earliest", session_timeout_ms=6_000, heartbeat_interval_ms=200)
while True:
    consumer.poll(timeout_ms=100)
"""


def test_a_silent_member_is_told_what_it_missed(cluster, topic):  # noqa: F811
    group = fresh("silent")
    reader = subprocess.Popen([sys.executable, "-c", READER, cluster.bootstrap, topic, group])
    try:
        wait_until(lambda: stable(cluster, group), 30, "it has its share")
        reader.send_signal(signal.SIGSTOP)
        wait_until(lambda: "session-expired" in kinds(cluster, group), 45, "its session ends")
        events, advice = timeline(cluster, group)
        expired = next(e for e in events if e["event"] == "session-expired")
        assert expired["why"] == "not heard of for session.timeout.ms=6000"
        assert any(line.startswith("once a member was not heard of") for line in advice), advice
        reader.send_signal(signal.SIGCONT)
        wait_until(lambda: kinds(cluster, group).count("joined") == 2, 45, "it joins again")
        late = [e for e in timeline(cluster, group)[0] if e["event"] in ("fenced", "commit-refused")]
        assert late and all(e["why"] == "UNKNOWN_MEMBER_ID" for e in late), late
    finally:
        reader.kill()
        reader.wait()


def test_a_consumer_group(cluster, topic):  # noqa: F811
    group = fresh("consumers")

    def consumer(**extra):
        made = Consumer({
            "bootstrap.servers": cluster.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "group.protocol": "consumer", **extra})
        made.subscribe([topic])
        return made

    first = consumer(**{"group.instance.id": "one"})
    wait_until(lambda: first.poll(0.1) is not None, 30, "the first reads")
    assert kinds(cluster, group)[:1] == ["joined"] and "stable" in kinds(cluster, group)
    second = consumer()
    deadline = time.monotonic() + 60
    while kinds(cluster, group).count("stable") < 2 and time.monotonic() < deadline:
        first.poll(0.1), second.poll(0.1)
    second.close()
    wait_until(lambda: first.poll(0.1) is not None or "left" in kinds(cluster, group), 30, "the second has left")
    first.close()
    events, _ = timeline(cluster, group)
    assert [e["event"] for e in events if e["event"] in ("joined", "left", "away")] == [
        "joined", "joined", "left", "away"]
    assert [e["groupInstanceId"] for e in events if e["event"] == "away"] == ["one"]
    epochs = [e["epoch"] for e in events if e["event"] == "rebalance"]
    assert epochs == sorted(epochs) and len(set(epochs)) == len(epochs)


def test_the_timeline_as_text_and_what_does_not_go_with_it(cluster, topic):  # noqa: F811
    group = fresh("text")
    member = Member(cluster, topic, group)
    wait_until(lambda: stable(cluster, group), 20, "the member has its share")
    code, out, _ = groups(cluster, "--describe", "--timeline", "--group", group)
    member.close()
    lines = out.strip().split("\n")
    assert code == 0 and lines[0].startswith(f"Group '{group}': Stable, 1 member, coordinator ")
    assert "What was before went with the former coordinator." in lines[0]
    assert lines[1].split()[:4] == ["GROUP", "TIME", "EVENT", "TIMES"]
    assert [line.split()[2] for line in lines[2:6]] == ["joined", "rebalance", "generation", "stable"]
    code, out, _ = groups(cluster, "--describe", "--timeline", "--group", "nobody-knows-it")
    assert code == 1 and "does not exist" in out
    code, out, err = groups(cluster, "--describe", "--timeline", "--members", "--group", group)
    assert code == 1 and "timeline" in out + err
    assert martlet("consumer-groups", "--bootstrap-server", cluster.bootstrap, "--describe", "--timeline",
                   "--all-groups") is not None
