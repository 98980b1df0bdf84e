"""A producer that makes a new connection for each record, so that no client's patience is measured with the server."""

import socket
import struct
import threading
import time

from harness import MetadataProbe


class FreshProducer(threading.Thread):
    """Asks the others who leads a partition and sends it one record (acks=all) by a new connection, until one is
    acknowledged."""

    def __init__(self, cluster, topic, partition, avoid):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.partition = cluster, topic, partition
        self.others = [node for node in cluster.nodes if node != avoid]
        self.avoid = avoid
        self.acknowledged_at = None

    def run(self):
        end = time.monotonic() + 60
        turn = 0
        while time.monotonic() < end:
            turn += 1
            try:
                if self.attempt(self.others[turn % len(self.others)]):
                    self.acknowledged_at = time.monotonic()
                    return
            except (OSError, struct.error):
                pass
            time.sleep(0.01)

    def attempt(self, node):
        probe = MetadataProbe(self.cluster.port(node))
        leader = probe.leaders(self.topic).get(self.partition, -1)
        probe.close()
        if leader in (-1, self.avoid):
            return False
        return produce_one(self.cluster.port(leader), self.topic, self.partition) == 0

    def finish(self):
        self.join()
        assert self.acknowledged_at, f"partition {self.partition} took no record within 60 s"
        return self.acknowledged_at


def produce_one(port, topic, partition, timeout=1.0):
    """The error code of one record with acks=all by a connection of its own."""
    connection = ProduceConnection(port, timeout)
    try:
        return connection.produce(topic, partition)
    finally:
        connection.close()


class ProduceConnection:
    """Sends one record after the other over the plain protocol (Produce version 3)."""

    def __init__(self, port, timeout=1.0, host="127.0.0.1"):
        self.timeout = timeout
        self.socket = socket.create_connection((host, port), timeout=timeout)

    def produce(self, topic, partition):
        """The error code of one record with acks=all, with a value that the checks pass over."""
        name = topic.encode()
        records = batch(struct.pack(">q", -1) + b"fresh")
        body = struct.pack(">hhih", 0, 3, 1, 5) + b"fresh" + struct.pack(">hhi", -1, -1, int(self.timeout * 1000))
        body += struct.pack(">ih", 1, len(name)) + name + struct.pack(">ii", 1, partition)
        body += struct.pack(">i", len(records)) + records
        self.socket.sendall(struct.pack(">i", len(body)) + body)
        received = b""
        while len(received) < 4 or len(received) < 4 + struct.unpack(">i", received[:4])[0]:
            piece = self.socket.recv(4096)
            if not piece:
                raise ConnectionError("closed")
            received += piece
        # Size, correlation id, one topic with its name, one partition with its number; then the error code.
        return struct.unpack_from(">h", received, 4 + 4 + 4 + 2 + len(name) + 4 + 4)[0]

    def close(self):
        self.socket.close()


def batch(value):
    """A record batch of format 2 with one record."""
    now = int(time.time() * 1000)
    record = b"\0" + varint(0) + varint(0) + varint(-1) + varint(len(value)) + value + varint(0)
    record = varint(len(record)) + record
    checked = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + record
    rest = struct.pack(">ib", -1, 2) + struct.pack(">I", crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(rest)) + rest


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
