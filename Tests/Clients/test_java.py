"""Kafka's own Java clients 4.3.0, as single-file programs."""

import os
import subprocess
from pathlib import Path

import pytest

from harness import fresh, martlet, wait_until

PROGRAMS = Path(__file__).parent / "java"
LIBRARIES = os.environ.get("MARTLET_JAVA_LIBRARIES", str(Path(__file__).resolve().parents[2] / ".build/java-libraries"))


def command(program, *arguments):
    """What runs one of the programs."""
    options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBRARIES}/*"]
    return ["java", *options, str(PROGRAMS / program), *map(str, arguments)]


def java(program, *arguments, timeout=180):
    done = subprocess.run(command(program, *arguments), capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0 and "DONE" in done.stdout, done.stdout[-3_000:] + done.stderr[-6_000:]


def test_topics_by_the_admin_client(cluster):
    java("AdminRoundTrip.java", cluster.bootstrap, fresh("java-admin"))


def test_groups_by_the_admin_client(cluster):
    java("GroupAdmin.java", cluster.bootstrap, fresh("java-groups"))


def test_brokers_settings_logs_and_moves_by_the_admin_client(cluster):
    java("ClusterAdmin.java", cluster.bootstrap, fresh("java-cluster"))


def test_a_dead_broker_is_unregistered_by_the_admin_client_and_may_come_back(own_cluster):
    own_cluster.kill(3)
    java("Unregister.java", own_cluster.bootstrap, "3")
    own_cluster.start(3)
    wait_until(lambda: "3" in martlet_ids(own_cluster), 30, "broker 3 is registered again")


def martlet_ids(cluster):
    """The ids of the brokers that are alive."""
    listed = martlet("kafka-cluster", "list-endpoints", "--bootstrap-server", cluster.bootstrap)
    return [line.split()[0] for line in listed.splitlines()[1:]]


@pytest.mark.parametrize(
    "assignor, codec",
    [("Range", "none"), ("RoundRobin", "gzip"), ("Sticky", "lz4"), ("CooperativeSticky", "zstd"), ("Range", "snappy")],
)
def test_a_producer_and_a_group_of_consumers(cluster, assignor, codec):
    name = f"org.apache.kafka.clients.consumer.{assignor}Assignor"
    java("ProduceConsume.java", cluster.bootstrap, fresh("java"), name, codec)


def test_transactions_of_version_two(cluster):
    java("Transactions.java", cluster.bootstrap, fresh("java-transactions"))
