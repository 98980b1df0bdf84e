"""Counts the brokers that are fenced, or lose leaderships, though nobody failed: by hand, as it takes minutes.

    python Tests/Clients/false_fences.py --seconds 120 --starve     # busy loops on every core, one node at nice 19
    python Tests/Clients/false_fences.py --seconds 120 --quota 25   # so many per cent of one core for each node, by cgroup
    python Tests/Clients/false_fences.py --seconds 120 --loss 1     # per cent of the packets, in a network of its own
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from harness import Cluster, fresh
from steady_stream import SteadyStream, percentiles


def detections(cluster):
    """{rule: how often}, as the logs of all nodes tell it."""
    rules = {}
    for node in cluster.nodes:
        for rule in re.findall(r"rule=(R\d)", cluster.logs(node, lines=1_000_000)):
            rules[rule] = rules.get(rule, 0) + 1
    return rules


def enter_network(loss):
    """Runs this again in a network namespace that drops so many packets in a hundred."""
    rule = f"iptables -A INPUT -i lo -m statistic --mode random --probability {loss / 100} -j DROP"
    command = f"ip link set lo up && {rule} && exec {sys.executable} {' '.join(sys.argv)} --inside"
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", command])


CPU_GROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_MICROSECONDS = 100_000


def hold_back(cluster, percent):
    """Puts each node into a group of its own with so much of one core; gives the groups (cgroup version 1)."""
    groups = []
    for node in cluster.nodes:
        group = CPU_GROUPS / f"martlet-fences-{os.getpid()}-{node}"
        group.mkdir()
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (group / "cpu.cfs_quota_us").write_text(str(PERIOD_MICROSECONDS * percent // 100))
        (group / "cgroup.procs").write_text(str(cluster.process_of(node)))
        groups.append(group)
    return groups


def throttled(groups):
    """The share of its periods in which a group was held back, at most."""
    shares = [0.0]
    for group in groups:
        counts = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        shares.append(int(counts["nr_throttled"]) / max(int(counts["nr_periods"]), 1))
    return max(shares)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--starve", action="store_true")
    parser.add_argument("--loss", type=float, default=0)
    parser.add_argument("--quota", type=int, default=0)
    parser.add_argument("--inside", action="store_true")
    options = parser.parse_args()
    if options.loss and not options.inside:
        enter_network(options.loss)
    cluster, burners, groups = Cluster().up(), [], []
    try:
        topic = fresh("fences")
        cluster.create_topic(topic, partitions=6, min_insync_replicas=2)
        cluster.wait_in_sync(topic)
        time.sleep(2)
        before = detections(cluster)
        if options.starve:
            os.system(f"renice -n 19 -p $(ls /proc/{cluster.process_of(2)}/task) >/dev/null")
            burners = [
                subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)
            ]
        if options.quota:
            groups = hold_back(cluster, options.quota)
        with SteadyStream(cluster.bootstrap, topic, 6, rate=200) as stream:
            began = time.monotonic()
            time.sleep(options.seconds)
            gap = stream.gap(range(6), began, time.monotonic())
        acknowledged = sum(map(len, stream.acknowledged.values()))
        after = detections(cluster)
        rules = {rule: count - before.get(rule, 0) for rule, count in after.items() if count > before.get(rule, 0)}
        lags = [
            int(lag) / 1000
            for node in cluster.nodes
            for lag in re.findall(r"held up milliseconds=(\d+)", cluster.logs(node, lines=1_000_000))
        ]
        print(f"FALSE {rules or 'none'} in {options.seconds} s; {acknowledged} records, longest gap {gap:.2f} s; "
              f"controller held up: {percentiles(lags)}; load {os.getloadavg()[0]:.1f}; "
              f"held back in {throttled(groups):.0%} of the time", flush=True)
    finally:
        for burner in burners:
            burner.kill()
        cluster.destroy()
        for group in groups:
            group.rmdir()


if __name__ == "__main__":
    main()
