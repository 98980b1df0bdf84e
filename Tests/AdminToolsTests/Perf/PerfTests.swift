import ClientCore
import MartletClient
import Primitives
import Testing
import WireMessages
import WireProtocol
import World

@testable import AdminTools

@Suite("Measurements")
struct PerfTests {
    @Test("A line is one JSON object, its fields in the order in which they were noted")
    func line() {
        var line = PerfLine(run: "a \"run\"\\")
        line.integer("count", -7)
        line.number("rate", 1.0005)
        line.number("small", -0.25)
        line.number("nothing", nil)
        line.number("endless", .infinity)
        line.integers("rss", [1, 2])
        #expect(
            line.line == #"{"run":"a \"run\"\\","count":-7,"rate":1.001,"small":-0.250,"nothing":null,"#
                + #""endless":null,"rss":[1,2]}"#)
    }

    @Test("Percentiles are values that were measured")
    func percentiles() {
        let thousand = Percentiles((1...1_000).reversed().map { Int64($0) })
        #expect([500, 990, 999].map(thousand.at(permille:)) == [501, 991, 1_000])
        #expect(thousand.greatest == 1_000)
        #expect(Percentiles([7]).at(permille: 999) == 7)
        #expect(Percentiles([]).at(permille: 500) == 0)
    }

    let place = TopicPartition("topic", PartitionIndex(3))

    @Test("A produce load sends the same batch under one correlation id after the other")
    func produceLoad() throws {
        let batch = ProduceLoad.batch(batchBytes: 4_096, recordBytes: 1_000, now: Timestamp(5))
        #expect((3_000...4_096).contains(batch.count))
        var load = ProduceLoad(place: place, batch: batch, acks: -1, count: 2)
        for correlation in [0, 1] as [Int32] {
            let request = load.next(correlation)
            let segments = try #require(request)
            var bytes: [UInt8] = []
            for case .bytes(let piece) in segments { bytes += piece.array }
            let whole = WireFrame.request(
                ProduceLoad.request(place: place, batch: batch, acks: -1), version: ProduceLoad.version,
                correlationID: CorrelationID(correlation), clientID: "martlet-perf")
            #expect(bytes == whole.array)
        }
        let last = load.next(2)
        #expect(last?.count == nil)
    }

    @Test("An error in an answer to a produce load ends the run with the broker's error")
    func refusedProduce() throws {
        var partition = ProduceResponse.PartitionProduceResponse()
        partition.errorCode = .notEnoughReplicas
        var topic = ProduceResponse.TopicProduceResponse()
        topic.partitionResponses = [partition]
        var response = ProduceResponse()
        response.responses = [topic]
        var load = ProduceLoad(place: place, batch: .empty, acks: -1, count: 1)
        let frame = Bytes([0] + response.encoded(version: ProduceLoad.version).array)
        let error = #expect(throws: ClientError.self) { try load.answered(frame) }
        #expect(error?.code == .notEnoughReplicas)
    }

    private func fetched(_ records: Bytes) -> Bytes {
        var partition = FetchResponse.PartitionData()
        partition.records = records
        var topic = FetchResponse.FetchableTopicResponse()
        topic.partitions = [partition]
        var response = FetchResponse()
        response.responses = [topic]
        return Bytes([0] + response.encoded(version: ConsumeLoad.version).array)
    }

    private func askedOffset(_ load: inout ConsumeLoad) throws -> Offset? {
        guard case .bytes(let frame) = load.next(1)?.first else { return nil }
        var reader = WireReader(frame[4..<frame.count])
        _ = try RequestHeader(from: &reader) { _ in FetchRequest.firstFlexible }
        let request = try FetchRequest(from: &reader, version: ConsumeLoad.version)
        return request.topics[0].partitions[0].fetchOffset
    }

    @Test("A consume load goes on behind the last whole batch, and ends after empty answers")
    func consumeLoad() throws {
        var builder = RecordBatchBuilder(baseOffset: Offset(40))
        builder.append(timestamp: Timestamp(1), key: nil, value: Bytes([1]))
        builder.append(timestamp: Timestamp(1), key: nil, value: Bytes([2]))
        let batch = builder.finish()
        var load = ConsumeLoad(place: place, fetchBytes: 1_000, bytes: 1_000)
        var asked = try askedOffset(&load)
        #expect(asked == .zero)
        let got = try load.answered(fetched(Bytes(batch.array + batch.array.dropLast())))
        #expect(got == batch.count)
        asked = try askedOffset(&load)
        #expect(asked == Offset(42))
        for _ in 0..<3 { _ = try load.answered(fetched(.empty)) }
        asked = try askedOffset(&load)
        #expect(asked == nil)
    }

    @Test("A shell command that fails says so")
    func shellCommand() throws {
        try ShellCommand(text: "exit 0").run()
        #expect(throws: ToolFailure.self) { try ShellCommand(text: "exit 3").run() }
    }
}
