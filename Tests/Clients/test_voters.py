"""Dynamic voters (KIP-853) with real processes: founding, adding, removing, wiping, joining, and a lost majority."""

import json
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import MARTLET, MartletError, fresh, free_base_port, martlet, wait_until
from steady_stream import SteadyStream, check, read_all


# Seconds for anything to come true: long, as a machine may be busy with other tests.
PATIENCE = 120


class Quorum:
    """Node processes with files of their own; any of them can be a voter, a broker or both."""

    def __init__(self, *names):
        self.base = free_base_port()
        self.directory = Path(tempfile.mkdtemp(prefix="martlet-voters-"))
        self.cluster_id = martlet("storage", "random-uuid").strip()
        self.processes = {}
        self.roles = {}

    def client(self, node):
        return f"127.0.0.1:{self.base + node - 1}"

    def controller(self, node):
        return f"127.0.0.1:{self.base + 10_000 + node - 1}"

    @property
    def servers(self):
        return ",".join(self.client(node) for node, roles in self.roles.items() if "broker" in roles)

    def file(self, node):
        return self.directory / f"node-{node}.properties"

    def data(self, node):
        return self.directory / f"node-{node}"

    def configure(self, node, roles="broker,controller", bootstrap=(1, 2, 3), **more):
        self.roles[node] = roles
        listeners = [f"PLAINTEXT://{self.client(node)}"] if "broker" in roles else []
        listeners += [f"CONTROLLER://{self.controller(node)}"] if "controller" in roles else []
        lines = [
            f"process.roles={roles}", f"node.id={node}", f"listeners={','.join(listeners)}",
            f"controller.quorum.bootstrap.servers={','.join(map(self.controller, bootstrap))}",
            "controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
            f"log.dirs={self.data(node)}", "default.replication.factor=3", "min.insync.replicas=2",
            "offsets.topic.replication.factor=3", "group.initial.rebalance.delay.ms=0",
        ]
        lines += [f"{key.replace('_', '.')}={value}" for key, value in more.items()]
        self.file(node).write_text("\n".join(lines) + "\n")

    def format(self, node, *mode):
        return martlet("storage", "format", "-t", self.cluster_id, "-c", self.file(node), *mode)

    def directory_id(self, node):
        lines = (self.data(node) / "meta.properties").read_text().splitlines()
        return next(line.split("=")[1] for line in lines if line.startswith("directory.id="))

    def start(self, node):
        log = open(self.directory / f"node-{node}.log", "ab")
        self.processes[node] = subprocess.Popen([MARTLET, "server", self.file(node)], stdout=log, stderr=log)

    def end(self, node, how=signal.SIGKILL):
        process = self.processes.pop(node)
        process.send_signal(how)
        process.wait(20)

    def tool(self, *arguments, at=None, **keywords):
        where = ["--bootstrap-controller", self.controller(at)] if at else ["--bootstrap-server", self.servers]
        return martlet("metadata-quorum", *where, *arguments, **keywords)

    def status(self, at=None):
        return json.loads(self.tool("describe", "--status", "--json", at=at, timeout=60))

    def voters(self, at=None):
        return sorted(voter["id"] for voter in self.status(at)["currentVoters"])

    def voter_directories(self):
        return {voter["id"]: voter["directoryId"] for voter in self.status()["currentVoters"]}

    def wait_voters(self, *ids, at=None):
        wait_until(lambda: self.voters(at) == sorted(ids), PATIENCE, f"voters {ids}")

    def add(self, node, at=None):
        """Makes a controller a voter; asks again where a busy machine was too slow for the request's time."""
        added = (
            f"Added controller {node} with directory id {self.directory_id(node)} and endpoints: "
            f"CONTROLLER://{self.controller(node)}\n")

        def ask():
            try:
                assert self.tool("--command-config", self.file(node), "add-controller", at=at) == added
            except MartletError as refusal:
                if "is a voter already" not in str(refusal):
                    raise
            return True

        wait_until(ask, PATIENCE, f"controller {node} as a voter")

    def remove(self, node):
        """Takes a voter's vote. A leader that removes itself may go before its answer has arrived: the request is sent
        again then, and finds no such voter."""
        directory = self.directory_id(node)
        try:
            said = self.tool("remove-controller", "-i", node, "-d", directory)
            assert said.strip() == f"Removed  KRaft controller {node} with directory id {directory}"
        except MartletError as refusal:
            assert f"There is no voter {node}/{directory}" in str(refusal)

    def replication(self, at=None):
        return self.tool("describe", "--replication", at=at)

    def row(self, node):
        """What `--replication` says of a node."""
        rows = [[cell.strip() for cell in line.strip("\t").split("\t")] for line in self.replication().splitlines()]
        return next((row for row in rows if row[0] == str(node)), [])

    def destroy(self):
        for node in list(self.processes):
            self.end(node)
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture
def quorum():
    made = Quorum()
    yield made
    made.destroy()


def found_three(quorum, **more):
    ids = {node: martlet("storage", "random-uuid").strip() for node in (1, 2, 3)}
    founders = ",".join(f"{node}@{quorum.controller(node)}:{ids[node]}" for node in ids)
    for node in ids:
        quorum.configure(node, **more)
        said = quorum.format(node, "--initial-controllers", founders)
        assert f"Formatting dynamic metadata voter directory {quorum.data(node)} with metadata.version 4.2-IV1." in said
        assert quorum.directory_id(node) == ids[node]
    for node in ids:
        quorum.start(node)
    quorum.wait_voters(1, 2, 3)
    return ids


@contextmanager
def stream_on(quorum, partitions=3):
    """Records are sent all the while; in the end each that was acknowledged is there, once and in order."""
    topic = fresh("voters")
    wait_until(
        lambda: martlet(
            "topics", "--bootstrap-server", quorum.servers, "--create", "--if-not-exists", "--topic", topic,
            "--partitions", partitions, "--replication-factor", 3) or True, PATIENCE, "a topic on three brokers")
    with SteadyStream(quorum.servers, topic, partitions, rate=500) as stream:
        wait_until(lambda: all(stream.last_answer(p) for p in range(partitions)), PATIENCE, "the first answers")
        yield stream
    assert not stream.failed and stream.unanswered == 0
    # A client that asks a node which has just come back may hear of no such partition at first.
    found = wait_until(lambda: read_all(quorum.servers, topic, partitions), PATIENCE, "all that was sent can be read")
    assert not check(stream, found)


def test_add_remove_and_kill_the_leader_under_load(quorum):
    ids = found_three(quorum)
    with stream_on(quorum):
        # A fourth controller comes as an observer, and is made a voter.
        quorum.configure(4, roles="controller")
        assert "dynamic metadata directory" in quorum.format(4, "--no-initial-controllers")
        quorum.start(4)
        wait_until(
            lambda: quorum.row(4)[1:2] + quorum.row(4)[-1:] == [quorum.directory_id(4), "Observer"], PATIENCE,
            "an observer")
        assert "DRY RUN of adding controller 4" in quorum.tool(
            "--command-config", quorum.file(4), "add-controller", "--dry-run")
        assert quorum.voters() == [1, 2, 3]
        quorum.add(4)
        assert quorum.voters() == [1, 2, 3, 4]
        with pytest.raises(MartletError, match="DUPLICATE_VOTER|DuplicateVoter|is a voter already"):
            quorum.tool("--command-config", quorum.file(4), "add-controller")

        # The leader takes its own vote away, leads on until that is committed, and hands over.
        leader = quorum.status()["leaderId"]
        with pytest.raises(MartletError, match="There is no voter"):
            quorum.tool("remove-controller", "-i", leader, "-d", martlet("storage", "random-uuid").strip())
        quorum.remove(leader)
        left = sorted({1, 2, 3, 4} - {leader})
        quorum.wait_voters(*left)
        wait_until(lambda: quorum.status()["leaderId"] in left, PATIENCE, "another leader")

        # The new leader dies: two of three go on.
        killed = wait_until(lambda: quorum.status()["leaderId"], PATIENCE, "a leader")
        quorum.end(killed)
        at = next(node for node in left if node != killed and node != 4)
        wait_until(lambda: quorum.status(at)["leaderId"] not in (killed, -1), PATIENCE, "a leader after the kill")
        quorum.start(killed)
        wait_until(
            lambda: all(v["logEndOffset"] > 0 for v in quorum.status(at)["currentVoters"]), PATIENCE, "all voters back")
        assert quorum.voters(at) == left
    assert ids[1] == quorum.directory_id(1)


def test_a_wiped_controller_has_no_vote_until_it_is_added_again(quorum):
    found_three(quorum)
    with stream_on(quorum):
        wiped = next(node for node in (1, 2, 3) if node != quorum.status()["leaderId"])
        old = quorum.directory_id(wiped)
        quorum.end(wiped)
        # Only the metadata log's directory is lost where a disk of its own held it; here that is all there is.
        shutil.rmtree(quorum.data(wiped))
        quorum.format(wiped, "--no-initial-controllers")
        assert quorum.directory_id(wiped) != old
        quorum.start(wiped)
        wait_until(
            lambda: quorum.directory_id(wiped) in (o["directoryId"] for o in quorum.status()["currentObservers"]), 30,
            "the wiped node as an observer")
        assert quorum.voter_directories()[wiped] == old
        quorum.tool("remove-controller", "-i", wiped, "-d", old)
        quorum.add(wiped)
        assert quorum.voter_directories()[wiped] == quorum.directory_id(wiped)


def test_standalone_then_controllers_join_by_themselves(quorum):
    quorum.configure(1, bootstrap=(1,))
    assert "dynamic metadata voter directory" in quorum.format(1, "--standalone")
    quorum.start(1)
    wait_until(lambda: quorum.voters(at=1) == [1], PATIENCE, "a quorum of one")
    for node in (2, 3):
        quorum.configure(node, bootstrap=(1,), controller_quorum_auto_join_enable="true")
        quorum.format(node, "--no-initial-controllers")
        quorum.start(node)
    wait_until(lambda: quorum.voters(at=1) == [1, 2, 3], PATIENCE, "three voters")
    # Snapshots carry the voters: a fourth node that asks only the third hears of them all.
    quorum.configure(4, roles="broker", bootstrap=(3,))
    quorum.format(4, "--no-initial-controllers")
    quorum.start(4)
    wait_until(lambda: quorum.voters() == [1, 2, 3], PATIENCE, "an answer by way of the fourth")
    features = [feature for feature in martlet(
        "broker-api-versions", "--bootstrap-server", quorum.client(1)).splitlines() if feature]
    assert features


def test_static_voters_become_dynamic_and_one_is_replaced(quorum):
    static = ",".join(f"{node}@{quorum.controller(node)}" for node in (1, 2, 3))
    for node in (1, 2, 3):
        quorum.configure(node, controller_quorum_voters=static)
        quorum.format(node)
        quorum.start(node)
    quorum.wait_voters(1, 2, 3)

    def features(action, *levels, dry=False):
        asked = [word for level in levels for word in ("--feature", level)] + ["--dry-run"] * dry
        return martlet("features", "--bootstrap-server", quorum.servers, action, *asked)

    def level(node):
        lines = martlet("features", "--bootstrap-server", quorum.client(node), "describe").splitlines()
        return next(line.split()[7] for line in lines if line.split()[1] == "kraft.version")

    with stream_on(quorum):
        assert level(1) == "0" and set(quorum.voter_directories().values()) == {None}
        with pytest.raises(MartletError, match="static"):
            quorum.tool("remove-controller", "-i", 1, "-d", quorum.directory_id(1))
        # The leader hears of each voter's directory a moment after its election.
        said = wait_until(lambda: features("upgrade", "kraft.version=1", dry=True), PATIENCE, "a leader that knows all")
        assert said == "kraft.version can be upgraded to 1.\n"
        for levels in (["kraft.version=1", "metadata.version=30"], ["kraft.version=2"]):
            with pytest.raises(MartletError, match="only supports versions"):
                features("upgrade", *levels)
        assert level(1) == "0"
        assert features("downgrade", "metadata.version=25")
        assert features("upgrade", "kraft.version=1", "metadata.version=29") == (
            "kraft.version was upgraded to 1.\nmetadata.version was upgraded to 29.\n")
        wait_until(lambda: [level(node) for node in (1, 2, 3)] == ["1"] * 3, 10, "all tell the new level")
        assert quorum.voter_directories() == {node: quorum.directory_id(node) for node in (1, 2, 3)}
        assert features("upgrade", "kraft.version=1") == "kraft.version was upgraded to 1.\n"
        with pytest.raises(MartletError, match="Can't downgrade the version of this feature"):
            features("downgrade", "kraft.version=0")

        # A node whose file still names the static voters goes by the log.
        leader = quorum.status()["leaderId"]
        back, gone = (node for node in (1, 2, 3) if node != leader)
        quorum.end(back)
        quorum.start(back)
        wait_until(
            lambda: quorum.row(back)[-1:] == ["Follower"] and int(quorum.row(back)[3]) < 10, PATIENCE, "it is back")

        # One controller is replaced by another, and the new three elect a leader.
        quorum.end(gone)
        quorum.remove(gone)
        quorum.configure(4, roles="controller")
        quorum.format(4, "--no-initial-controllers")
        quorum.start(4)
        wait_until(lambda: quorum.row(4)[-1:] == ["Observer"], PATIENCE, "an observer")
        quorum.add(4)
        quorum.wait_voters(leader, back, 4)
        quorum.start(gone)
        wait_until(
            lambda: quorum.row(gone)[-1:] == ["Observer"], PATIENCE, "the replaced controller, which is a broker still")
        quorum.end(leader)
        wait_until(lambda: quorum.status(at=back)["leaderId"] in (back, 4), PATIENCE, "a leader of the new three")
        quorum.start(leader)


def test_a_lost_majority_is_given_up_by_hand(quorum):
    found_three(quorum)
    with stream_on(quorum) as stream:
        pass
    survivor = quorum.status()["leaderId"]
    arguments = ["storage", "recover-quorum", "-c", quorum.file(survivor)]
    with pytest.raises(MartletError, match="stop the node first"):
        martlet(*arguments, "--execute")
    for node in (1, 2, 3):
        quorum.end(node)
    receipt = martlet(*arguments)
    assert "What may be lost" in receipt and "Nothing was changed" in receipt
    assert "Done." in martlet(*arguments, "--execute")
    quorum.start(survivor)
    wait_until(lambda: quorum.voters(at=survivor) == [survivor], PATIENCE, "the survivor alone")
    # The others come back with other directories for the metadata, and are voters again when they are asked to be.
    for node in {1, 2, 3} - {survivor}:
        shutil.rmtree(quorum.data(node))
        quorum.format(node, "--no-initial-controllers")
        quorum.start(node)
        wait_until(
            lambda: any(o["id"] == node for o in quorum.status(at=survivor)["currentObservers"]), PATIENCE,
            "an observer")
        quorum.add(node, at=survivor)
    assert quorum.voters(at=survivor) == [1, 2, 3]
    assert stream.topic in martlet("topics", "--bootstrap-server", quorum.servers, "--list").split()


def test_format_refuses_what_makes_no_sense(quorum):
    def refusal(*mode):
        with pytest.raises(MartletError) as failure:
            quorum.format(1, *mode)
        return str(failure.value)

    quorum.configure(1)
    assert "you must specify one of the following: --standalone" in refusal()
    assert "only one of --standalone" in refusal("--standalone", "--no-initial-controllers")
    assert "expected id@host:port:directory-id" in refusal("--initial-controllers", "1@localhost:9093")
    other = martlet("storage", "random-uuid").strip()
    assert "not one of the initial controllers" in refusal("--initial-controllers", f"2@localhost:9093:{other}")
    quorum.configure(1, roles="broker")
    assert "You can only use --standalone on a controller." in refusal("--standalone")
    quorum.configure(1, controller_quorum_voters=f"1@{quorum.controller(1)}")
    assert "names static voters" in refusal("--standalone")
    assert "Formatting metadata directory" in quorum.format(1)
    assert "already formatted" in refusal()
