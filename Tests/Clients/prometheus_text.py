"""Reads Prometheus' text format 0.0.4, strictly; and asks promtool, where it can be had."""

import math
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERIES = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Page:
    """The samples of one scrape: {name: {labels: value}}, labels as a sorted tuple of pairs."""

    def __init__(self, text):
        self.samples = {}
        self.types = {}
        family = None
        assert text.endswith("\n")
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                assert family not in self.types, f"{family} stands twice"
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == family and kind in ("counter", "gauge", "histogram", "summary"), line
                self.types[name] = kind
            else:
                self.take(line, family)

    def take(self, line, family):
        match = SERIES.match(line)
        assert match, f"no sample: {line!r}"
        name, labels, value = match.groups()
        suffixes = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
        allowed = [family + suffix for suffix in suffixes.get(self.types[family], ("",))]
        assert name in allowed, f"{name} stands under {family}"
        if self.types[family] == "counter":
            assert name.endswith(("_total", "_count")), f"a counter called {name}"
        key, at = [], 0
        while labels and at < len(labels):
            found = LABEL.match(labels, at)
            assert found, f"bad labels: {line!r}"
            key.append((found[1], found[2]))
            at = found.end()
        key = tuple(sorted(key))
        series = self.samples.setdefault(name, {})
        assert key not in series, f"the series stands twice: {line!r}"
        series[key] = float(value.replace("Inf", "inf"))

    def value(self, name, **labels):
        """The value of the one series with these labels."""
        return self.samples.get(name, {}).get(tuple(sorted(labels.items())))

    def sum(self, name, **labels):
        """The sum of all series that have these labels, among others."""
        wanted = set(labels.items())
        values = [value for key, value in self.samples.get(name, {}).items() if wanted <= set(key)]
        return sum(value for value in values if not math.isnan(value))


def promtool(*arguments, stdin=None):
    """Runs promtool; None where there is none."""
    own = ROOT / ".build/prometheus/usr/bin/promtool"
    program = os.environ.get("PROMTOOL") or (str(own) if own.exists() else shutil.which("promtool"))
    if not program:
        return None
    return subprocess.run([program, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60)
