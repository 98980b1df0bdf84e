"""One cluster of three node processes for all tests that leave it standing."""

import pytest

from harness import Cluster


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster(nodes=3, overrides=["group.initial.rebalance.delay.ms=100"])
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.destroy()


@pytest.fixture
def own_cluster():
    """A cluster that the test may hurt."""
    cluster = Cluster(nodes=3, overrides=["group.initial.rebalance.delay.ms=100"])
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.destroy()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of each node's log."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for name in [name for name in item.funcargs if "cluster" in name]:
            cluster = item.funcargs.get(name)
            if cluster:
                for node in cluster.nodes:
                    try:
                        report.sections.append((f"log of node {node}", cluster.logs(node)))
                    except OSError:
                        pass
