"""The partition side of a broker: codecs, times, deleted records, directories that fail, readers in a rack."""

import re
import shutil
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from harness import Cluster, fresh, martlet, wait_until
from test_confluent import consumer, read, write
from test_java import java


@pytest.fixture
def racked_cluster():
    """Three nodes, each in a rack of its own, where consumers read in theirs."""
    selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
    cluster = Cluster(nodes=3, overrides=["broker.rack=rack-{node}", f"replica.selector.class={selector}"])
    try:
        yield cluster.up()
    finally:
        cluster.destroy()


@pytest.fixture
def cluster_with_two_disks():
    """Three nodes with two log directories each; the second ones are `second-disk-N`."""
    cluster = Cluster(nodes=3)
    own = f"{cluster.path}/node-{{node}}/data"
    cluster.overrides = [f"log.dirs={own},{cluster.directory}/second-disk-{{node}}"]
    try:
        yield cluster.up()
    finally:
        cluster.destroy()


def codecs_of(cluster, topic):
    """The codecs in the leader's log of partition 0, as `dump-log` names them."""
    leader = cluster.partitions(topic)[0][0]
    log = cluster.data(leader) / f"{topic}-0" / "00000000000000000000.log"
    return set(re.findall(r"compresscodec: (\w+)", martlet("dump-log", "--files", log)))


@pytest.mark.parametrize("stored", ["uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"])
def test_every_codec_is_put_into_the_topics_and_read_back(cluster, stored):
    topic = fresh("codec")
    cluster.create_topic(topic, compression_type=stored)
    sent = []
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        # Small batches are checked on the loop, large ones on the pool; both keep their order.
        values = [f"{codec}-{n}-" + "x" * (n % 7 * 300) for n in range(400)]
        write(cluster, topic, values, **{"compression.type": codec, "linger.ms": 20, "enable.idempotence": True})
        sent += values
    client = consumer(cluster, fresh("g"))
    client.subscribe([topic])
    assert [record.value().decode() for record in read(client, len(sent))] == sent
    client.close()
    if stored != "producer":
        assert codecs_of(cluster, topic) == {"none" if stored == "uncompressed" else stored}


def test_records_of_a_compacted_topic_need_a_key(cluster):
    topic = fresh("keys")
    cluster.create_topic(topic, cleanup_policy="compact")
    errors = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": False})
    producer.produce(topic, b"no key", on_delivery=lambda error, _: errors.append(error))
    producer.produce(topic, b"value", key=b"key", partition=0)
    producer.flush(30)
    assert errors[0] is not None and errors[0].code() in (KafkaError.INVALID_RECORD, KafkaError._INVALID_ARG), errors


def test_offsets_for_times(cluster):
    topic = fresh("times")
    cluster.create_topic(topic)
    start = int(time.time() * 1000) - 100_000
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})
    for n in range(100):
        producer.produce(topic, f"{n}".encode(), timestamp=start + n * 10, partition=0)
        if n % 10 == 9:
            assert producer.flush(30) == 0
    client = consumer(cluster, fresh("g"))
    for asked, wanted in [(start, 0), (start + 1, 1), (start + 995 - 5, 99), (start - 5_000, 0), (start + 455, 46)]:
        found = client.offsets_for_times([TopicPartition(topic, 0, asked)], timeout=20)[0]
        assert found.error is None and found.offset == wanted, (asked - start, found)
    late = client.offsets_for_times([TopicPartition(topic, 0, start + 1_000_000)], timeout=20)[0]
    assert late.offset == -1, late
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    at = TopicPartition(topic, 0)
    for spec, wanted in [
        (OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 100), (OffsetSpec.max_timestamp(), 99),
        (OffsetSpec.for_timestamp(start + 500), 50),
    ]:
        assert admin.list_offsets({at: spec})[at].result(20).offset == wanted
    client.close()


def test_deleted_records_are_gone_on_every_replica(cluster):
    topic = fresh("deleted")
    cluster.create_topic(topic)
    write(cluster, topic, [f"{n}" for n in range(100)])
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    at = TopicPartition(topic, 0, 40)
    began = time.monotonic()
    deleted = list(admin.delete_records([at], request_timeout=20).values())[0].result(30)
    assert deleted.low_watermark == 40
    # Followers hear of it at once, not when their fetch has waited its time.
    assert time.monotonic() - began < 5
    client = consumer(cluster, fresh("g"))
    assert client.get_watermark_offsets(TopicPartition(topic, 0), timeout=20) == (40, 100)
    client.assign([TopicPartition(topic, 0, 0)])
    assert [record.value() for record in read(client, 60)][0] == b"40"
    with pytest.raises(KafkaException) as refused:
        list(admin.delete_records([TopicPartition(topic, 0, 101)]).values())[0].result(30)
    assert refused.value.args[0].code() == KafkaError.OFFSET_OUT_OF_RANGE
    everything = list(admin.delete_records([TopicPartition(topic, 0, -1)]).values())[0].result(30)
    assert everything.low_watermark == 100
    client.close()


def test_a_log_directory_that_fails_takes_only_its_own_leaderships(cluster_with_two_disks):
    cluster = cluster_with_two_disks
    broken = cluster.directory / "second-disk-1"
    topic = fresh("disks")
    cluster.create_topic(topic, partitions=12, segment_bytes=1048576)
    cluster.wait_in_sync(topic)
    on_broken = {int(path.name.rsplit("-", 1)[1]) for path in broken.glob(f"{topic}-*")}
    assert len(on_broken) == 6, on_broken
    # The disk goes: what is open stays open, nothing new can be made on it.
    shutil.rmtree(broken)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "delivery.timeout.ms": 60_000})
    failed = []
    for n in range(2_400):
        producer.produce(topic, b"x" * 10_000, partition=n % 12, on_delivery=lambda error, _: error and failed.append(error))
        producer.poll(0)
    assert producer.flush(90) == 0 and not failed, failed[:1]

    def moved():
        partitions = cluster.partitions(topic)
        return all(
            (leader != 1 and 1 not in isr) if number in on_broken else 1 in isr
            for number, (leader, replicas, isr) in partitions.items()
        )

    wait_until(moved, 60, "only the partitions on the failed directory have left node 1")
    assert cluster.process_of(1)
    client = consumer(cluster, fresh("g"))
    client.subscribe([topic])
    assert len(read(client, 2_400, seconds=60)) == 2_400
    client.close()


def test_a_java_consumer_reads_from_the_replica_in_its_rack(racked_cluster):
    cluster = racked_cluster
    topic = fresh("racks")
    cluster.create_topic(topic)
    cluster.wait_in_sync(topic)
    leader = cluster.partitions(topic)[0][0]
    near = next(node for node in cluster.nodes if node != leader)
    java("NearbyReads.java", cluster.bootstrap, topic, f"rack-{near}", str(leader), str(near))


def test_librdkafka_reads_from_the_replica_in_its_rack_while_that_is_killed(racked_cluster):
    cluster = racked_cluster
    topic = fresh("racks")
    cluster.create_topic(topic)
    cluster.wait_in_sync(topic)
    leader = cluster.partitions(topic)[0][0]
    near = next(node for node in cluster.nodes if node != leader)
    write(cluster, topic, [f"{n}" for n in range(1_000)])
    client = consumer(cluster, fresh("g"), **{"client.rack": f"rack-{near}"})
    client.assign([TopicPartition(topic, 0, 0)])
    assert [record.value() for record in read(client, 1_000)] == [f"{n}".encode() for n in range(1_000)]
    cluster.kill(near)
    write(cluster, topic, [f"{n}" for n in range(1_000, 1_500)])
    assert [record.value() for record in read(client, 500, seconds=60)] == [f"{n}".encode() for n in range(1_000, 1_500)]
    client.close()
