"""Runs containers with the engine that docker/test.sh has found, and looks at them."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "Tests/Clients"))

from harness import wait_until  # noqa: E402

ENGINE = os.environ.get("MARTLET_ENGINE", "docker")
COMPOSE = os.environ.get("MARTLET_COMPOSE", "docker compose").split()
IMAGE = os.environ.get("MARTLET_IMAGE", "martlet")
CLIENT_IMAGE = os.environ.get("MARTLET_CLIENT_IMAGE", "martlet-test-client")
READY = "Transitioning from RECOVERY to RUNNING"


class EngineError(Exception):
    """The engine or a command in a container ended with another code than 0."""


def run(command, check=True, stdin=None, timeout=120, environment=None):
    """Runs a command; returns what it has printed, its errors behind its output."""
    done = subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=timeout,
        env={**os.environ, **(environment or {})},
    )
    if check and done.returncode != 0:
        raise EngineError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def engine(*arguments, **keywords):
    return run([ENGINE, *arguments], **keywords).stdout


def freeze(name, attempts=5):
    """Freezes a container. The runtime gives a busy one up after a number of looks ("unable to freeze"): asks again."""
    for left in reversed(range(attempts)):
        try:
            return engine("pause", name)
        except EngineError as error:
            if not left or "unable to freeze" not in str(error):
                raise


def is_free(port):
    """Whether nobody listens at the port; to bind it is no proof of more, and waits for nobody."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def fresh(name):
    """A name that nobody else uses on this machine."""
    return f"martlet-test-{name}-{uuid.uuid4().hex[:6]}"


class Container:
    """One container, by its id or name."""

    def __init__(self, name):
        self.name = name

    def exec(self, *command, stdin=None, check=True, timeout=120):
        flags = ["-i"] if stdin is not None else []
        return run([ENGINE, "exec", *flags, self.name, *command], stdin=stdin, check=check, timeout=timeout)

    @property
    def log(self):
        done = run([ENGINE, "logs", self.name], check=False)
        return done.stdout + done.stderr

    def state(self, field):
        return engine("inspect", "--format", "{{.State." + field + "}}", self.name).strip()

    @property
    def networks(self):
        text = engine("inspect", "--format", "{{json .NetworkSettings.Networks}}", self.name)
        return list(json.loads(text))

    def host_port(self, port):
        return int(engine("port", self.name, f"{port}/tcp").splitlines()[0].rsplit(":", 1)[1])

    def is_healthy(self):
        """By the image's own check. Podman runs checks by systemd only, so there it is run from here."""
        if ENGINE == "podman":
            return run([ENGINE, "healthcheck", "run", self.name], check=False).returncode == 0
        return self.state("Health.Status") == "healthy"

    def wait_healthy(self, seconds=60):
        wait_until(self.is_healthy, seconds, f"{self.name} is healthy; its log:\n{self.log[-2000:]}")

    def wait_log(self, text, seconds=60):
        wait_until(lambda: text in self.log, seconds, f"{text} in the log of {self.name}")

    def kill(self):
        engine("kill", self.name)

    def start(self):
        engine("start", self.name)

    def remove(self):
        # Killed first: to stop it in order would wait for a shell that does not listen.
        run([ENGINE, "kill", self.name], check=False)
        run([ENGINE, "rm", "-f", "-v", self.name], check=False)


class Project:
    """A running compose file, under a project name of its own."""

    def __init__(self, file, is_copy=False, **environment):
        self.file = file
        self.is_copy = is_copy
        self.name = fresh("compose")
        self.environment = {"MARTLET_IMAGE": IMAGE, **environment}

    def compose(self, *arguments, **keywords):
        command = [*COMPOSE, "-f", self.file, "-p", self.name, *arguments]
        return run(command, environment=self.environment, **keywords).stdout

    def up(self):
        self.compose("up", "--no-build", "-d")
        for service in ("kafka1", "kafka2", "kafka3"):
            self.container(service).wait_healthy()
        return self

    def containers(self, *labels):
        """Those of the project that have the labels too."""
        words = [f"label=com.docker.compose.project={self.name}", *labels]
        found = engine("ps", "-aq", *[word for label in words for word in ("--filter", label)]).split()
        return [Container(name) for name in found]

    def container(self, service):
        found = self.containers(f"label=com.docker.compose.service={service}")
        assert len(found) == 1, f"{service}: {[container.name for container in found]}"
        return found[0]

    @property
    def nodes(self):
        return {number: self.container(f"kafka{number}") for number in (1, 2, 3)}

    @property
    def network(self):
        return self.container("kafka1").networks[0]

    def partitions(self, topic, by=1):
        """{partition: (leader or None, [replicas], [isr])}, asked inside the network."""
        text = self.container(f"kafka{by}").exec(
            "kafka-topics", "--bootstrap-server", f"kafka{by}:9092", "--describe", "--topic", topic
        ).stdout
        found = {}
        for match in re.finditer(r"\tPartition: (\d+)\tLeader: (\S+)\tReplicas: (\S*)\tIsr: (\S*)", text):
            ids = [[int(part) for part in match[group].split(",") if part] for group in (3, 4)]
            found[int(match[1])] = (None if match[2] == "none" else int(match[2]), *ids)
        return found

    def wait_in_sync(self, topic, by=1, seconds=60):
        def is_in_sync():
            partitions = self.partitions(topic, by)
            return partitions and all(
                leader and len(isr) == len(replicas) for leader, replicas, isr in partitions.values()
            )

        wait_until(is_in_sync, seconds, f"all replicas of {topic} are in sync")

    def down(self):
        # Volumes without a name go with their containers only if they are told to.
        for container in self.containers():
            container.remove()
        self.compose("down", "-v", "-t", "2", check=False)
        if self.is_copy:
            os.unlink(self.file)


class NetworkClient:
    """kcat in a container of a network."""

    def __init__(self, network):
        self.container = Container(fresh("client"))
        engine("run", "-d", "--name", self.container.name, "--network", network, CLIENT_IMAGE, "sleep", "3600")

    def kcat(self, *arguments, **keywords):
        return self.container.exec("kcat", *arguments, **keywords).stdout

    def remove(self):
        self.container.remove()


def edited(source, edit):
    """A copy of a compose file with its text changed."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="martlet-test-", delete=False) as file:
        file.write(edit(Path(source).read_text()))
    return file.name


def pause(seconds):
    """Lets a fault last."""
    time.sleep(seconds)
