import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("What is stored of a produced batch") struct StoredBatchTests {
    private func part(_ response: ProduceResponse) throws -> ProduceResponse.PartitionProduceResponse {
        try #require(response.responses.first?.partitionResponses.first)
    }

    private func stored(_ broker: PartitionsUnderTest, at offset: Int64 = 0) throws -> RecordBatch {
        let read = try #require(broker.fetch(at: offset, maxWaitMilliseconds: 0).required().responses.first)
        return try RecordBatch(try #require(read.partitions.first?.records))
    }

    private func values(_ batch: RecordBatch) throws -> [String] {
        var values: [String] = []
        var iterator = try RecordIterator(batch)
        while let record = try iterator.next() {
            values.append(String(decoding: record.value?.array ?? [], as: UTF8.self))
        }
        return values
    }

    private func batch(
        _ count: Int, _ compression: Compression = .uncompressed, valueBytes: Int = 10, time: Int64 = 0
    ) -> Bytes {
        var builder = RecordBatchBuilder(compression: compression)
        for index in 0..<count {
            let value = "\(index)" + String(repeating: "x", count: valueBytes)
            builder.append(timestamp: Timestamp(time), key: nil, value: Bytes(utf8: value))
        }
        return builder.finish()
    }

    @Test("compression.type stores every batch in its codec, whatever came", arguments: Compression.allCases)
    func codecs(came: Compression) throws {
        for target in ["uncompressed", "gzip", "snappy", "lz4", "zstd"] {
            let broker = try PartitionsUnderTest(
                replicas: [1], configs: ["compression.type": target, "compression.zstd.level": "7"])
            // One on the loop, one that is too long for it.
            for (count, valueBytes) in [(5, 10), (500, 200)] {
                let answer = try part(broker.produce(batch(count, came, valueBytes: valueBytes)).required())
                #expect(answer.errorCode == .noError)
                let found = try stored(broker, at: answer.baseOffset.value)
                #expect(found.header.attributes.compression?.name == (target == "uncompressed" ? "none" : target))
                #expect(try values(found).count == count)
                try found.verifyChecksum()
            }
        }
    }

    @Test("compression.type=producer keeps the bytes")
    func asProduced() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let sent = batch(500, .zstd, valueBytes: 300)
        let payload = try RecordBatch(sent).payload.array
        #expect(try part(broker.produce(sent).required()).errorCode == .noError)
        #expect(try stored(broker).payload.array == payload)
    }

    @Test("What a connection sends behind a batch that is checked on the pool waits for it")
    func order() throws {
        let broker = try PartitionsUnderTest(replicas: [1], configs: ["compression.type": "gzip"])
        let producer = { BatchProducer(id: ProducerID(7), epoch: ProducerEpoch(0), baseSequence: $0) }
        var long = RecordBatchBuilder(producer: producer(0))
        for _ in 0..<100 {
            long.append(timestamp: Timestamp(0), key: nil, value: Bytes(utf8: String(repeating: "y", count: 500)))
        }
        let (first, second) = (long.finish(), PartitionsUnderTest.batch(1, producer: producer(100)))
        let answers = try broker.produceInOneRound([first, second])
        #expect(try part(answers[0].required()).baseOffset == Offset(0))
        #expect(try part(answers[1].required()).baseOffset == Offset(100))
    }

    @Test("A10: records that are wrong are named, and none of their batch is kept")
    func recordErrors() throws {
        let broker = try PartitionsUnderTest(replicas: [1], configs: ["cleanup.policy": "compact"])
        for version in [Int16(8), 13] {
            let refused = try part(broker.produce(batch(2), version: version).required())
            #expect(refused.errorCode == .invalidRecord)
            #expect(refused.recordErrors.map(\.batchIndex) == [0, 1])
            #expect(refused.recordErrors[0].batchIndexErrorMessage?.contains("without key") == true)
            #expect(refused.errorMessage != nil)
        }
        let old = try part(broker.produce(batch(2), version: 7).required())
        #expect(old.errorCode == .invalidRecord && old.recordErrors.isEmpty)
        #expect(try broker.partition.position?.logEnd == Offset(0))
    }

    @Test("Times beyond message.timestamp.after.max.ms and before.max.ms are INVALID_TIMESTAMP by record")
    func times() throws {
        let broker = try PartitionsUnderTest(
            replicas: [1],
            configs: ["message.timestamp.after.max.ms": "1000", "message.timestamp.before.max.ms": "500"])
        #expect(try part(broker.produce(batch(1, time: 1_000)).required()).errorCode == .noError)
        #expect(try part(broker.produce(batch(1, time: -500)).required()).errorCode == .noError)
        for time in [Int64(1_001), -501] {
            let refused = try part(broker.produce(batch(2, .gzip, time: time)).required())
            #expect(refused.errorCode == .invalidTimestamp)
            #expect(refused.recordErrors.map(\.batchIndex) == [0, 1])
        }
    }

    @Test("LogAppendTime stamps the batch, also one that is put into another codec, and asks nothing of its times")
    func appendTime() throws {
        for target in ["producer", "zstd"] {
            let broker = try PartitionsUnderTest(
                replicas: [1],
                configs: [
                    "message.timestamp.type": "LogAppendTime", "message.timestamp.after.max.ms": "1",
                    "compression.type": target,
                ])
            let answer = try part(broker.produce(batch(3, .gzip, time: 99_999)).required())
            #expect(answer.errorCode == .noError)
            #expect(answer.logAppendTimeMilliseconds == 0)
            let found = try stored(broker)
            try found.verifyChecksum()
            #expect(found.header.attributes.timestampType == .logAppendTime)
            #expect(found.header.maxTimestamp == Timestamp(0))
        }
    }

    @Test("max.message.bytes holds from the moment it is changed")
    func largest() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let large = { self.batch(1, valueBytes: 5_000) }
        #expect(try part(broker.produce(large()).required()).errorCode == .noError)
        try broker.configure("max.message.bytes", "4000")
        #expect(try part(broker.produce(large()).required()).errorCode == .messageTooLarge)
        #expect(try part(broker.produce(batch(1)).required()).errorCode == .noError)
    }
}
