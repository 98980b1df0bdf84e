"""Counts the brokers that are fenced, or lose leaderships, though nobody failed: by hand, as it takes minutes.

    python Tests/Clients/false_fences.py --seconds 120 --starve     # busy loops on every core, one node at nice 19
    python Tests/Clients/false_fences.py --seconds 120 --loss 1     # per cent of the packets, in a network of its own
"""

import argparse
import os
import re
import subprocess
import sys
import time

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--starve", action="store_true")
    parser.add_argument("--loss", type=float, default=0)
    parser.add_argument("--inside", action="store_true")
    options = parser.parse_args()
    if options.loss and not options.inside:
        enter_network(options.loss)
    cluster, burners = Cluster().up(), []
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
              f"controller held up: {percentiles(lags)}; load {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        for burner in burners:
            burner.kill()
        cluster.destroy()


if __name__ == "__main__":
    main()
