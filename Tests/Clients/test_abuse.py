"""What clients send never becomes a line of its own in a node's log."""

import re
import socket
import struct

EVIL = "evil\n[2026-01-01 00:00:00,000] FATAL forged line\r\x1b[31m\u202e" + "x" * 3000


def text(value):
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


def ask(port, key, version, body):
    """Sends one request whose client id is hostile; returns whether an answer came."""
    frame = struct.pack(">hhi", key, version, 7) + text(EVIL) + body
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(struct.pack(">i", len(frame)) + frame)
        return connection.recv(4) != b""


def test_a16_hostile_texts_stay_within_their_line(cluster):
    for node in cluster.nodes:
        port = cluster.port(node)
        # An API that does not exist, a version that does not, a body that ends early: each closes with a line.
        assert not ask(port, 999, 0, b"")
        assert not ask(port, 3, 99, b"")
        assert not ask(port, 3, 8, b"\x00")
        # A topic's and a group's name.
        assert ask(port, 3, 8, struct.pack(">i", 1) + text(EVIL) + b"\x01\x00\x00")
        assert ask(port, 10, 2, text(EVIL) + b"\x00")
        # JoinGroup 2: group, session, rebalance, member, protocol type, no protocols.
        assert ask(port, 11, 2, text(EVIL) + struct.pack(">ii", 10_000, 10_000) + text("") + text(EVIL) + struct.pack(">i", 0))
    refused = 0
    for node in cluster.nodes:
        content = (cluster.path / f"node-{node}" / "server.log").read_bytes().decode(errors="replace")
        refused += content.count("request refused")
        for line in content.split("\n"):
            assert not line or re.match(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] [A-Z]+ ", line), line
            assert "FATAL forged" not in line[:60], line
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", line), repr(line)
            assert len(line) < 5_000, len(line)
    assert refused >= 3
