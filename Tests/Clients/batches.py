"""Reads the batches of a partition's segment files, to compare replicas byte by byte."""

import struct
from pathlib import Path

HEADER_BYTES = 12


def batches(directory):
    """[(base offset, last offset, bytes)] of all segments in a partition's directory."""
    found = []
    for path in sorted(Path(directory).glob("*.log")):
        content = path.read_bytes()
        at = 0
        while at + 61 <= len(content):
            base, length = struct.unpack_from(">qi", content, at)
            if length <= 0 or at + HEADER_BYTES + length > len(content):
                break
            (last_delta,) = struct.unpack_from(">i", content, at + 23)
            found.append((base, base + last_delta, content[at : at + HEADER_BYTES + length]))
            at += HEADER_BYTES + length
    return found


def differences(directories):
    """What differs between replicas, from the greatest first offset to the least end; empty if nothing does."""
    replicas = {str(directory): batches(directory) for directory in directories}
    if any(not held for held in replicas.values()):
        return [f"{directory} holds no batch" for directory, held in replicas.items() if not held]
    start = max(held[0][0] for held in replicas.values())
    end = min(held[-1][1] for held in replicas.values()) + 1
    shared = {
        directory: [batch for batch in held if batch[0] >= start and batch[1] < end] for directory, held in replicas.items()
    }
    first, *others = shared
    wrong = []
    for other in others:
        if len(shared[other]) != len(shared[first]):
            wrong.append(f"{first} has {len(shared[first])} batches, {other} {len(shared[other])}")
        for left, right in zip(shared[first], shared[other]):
            if left[2] != right[2]:
                wrong.append(f"{first} and {other} differ in the batch at offset {left[0]}")
                break
    return wrong
