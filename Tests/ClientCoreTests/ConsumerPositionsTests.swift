import ClientCore
import Primitives
import Testing
import WireProtocol

@Suite("Positions of a consumer")
struct ConsumerPositionsTests {
    static let zero = TopicPartition("t", PartitionIndex(0))
    static let one = TopicPartition("t", PartitionIndex(1))

    @Test("A committed offset is the start; without one the policy decides")
    func committed() {
        var positions = ConsumerPositions(resetPolicy: .earliest)
        positions.assign([Self.one, Self.zero], startingAt: .needsCommitted)
        #expect(positions.needingCommitted == [Self.zero, Self.one])
        positions.committed(Self.zero, Offset(5), epoch: nil)
        positions.committed(Self.one, nil, epoch: nil)
        #expect(positions.state(of: Self.zero) == .at(Offset(5), lastEpoch: nil))
        #expect(positions.needingReset.map(\.place) == [Self.one])
    }

    @Test("Fetches go to leaders that are not busy; unknown leaders are named")
    func plan() {
        var positions = ConsumerPositions(resetPolicy: .latest)
        let two = TopicPartition("t", PartitionIndex(2))
        positions.assign([Self.zero, Self.one, two], startingAt: .at(Offset(3), lastEpoch: nil))
        let plan = positions.plan(view: Views.view(leaders: [1, 2, nil]), busy: [BrokerID(2)])
        #expect(plan.fetches.map(\.leader) == [BrokerID(1)])
        #expect(plan.fetches[0].wanted.map(\.place) == [Self.zero])
        #expect(plan.leaderless == ["t"])
    }

    @Test("An answer to a position that was left meanwhile is dropped")
    func late() {
        var positions = ConsumerPositions(resetPolicy: .latest)
        positions.assign([Self.zero], startingAt: .at(Offset(3), lastEpoch: nil))
        let isFirst = positions.advance(Self.zero, from: Offset(3), to: Offset(7), lastEpoch: LeaderEpoch(1))
        #expect(isFirst)
        let isSecond = positions.advance(Self.zero, from: Offset(3), to: Offset(9), lastEpoch: nil)
        #expect(!isSecond)
        positions.outOfRange(Self.zero, asked: Offset(3))
        #expect(positions.state(of: Self.zero) == .at(Offset(7), lastEpoch: LeaderEpoch(1)))
        positions.outOfRange(Self.zero, asked: Offset(7))
        #expect(positions.state(of: Self.zero) == .needsReset(.latest))
    }

    @Test(
        "What a producer writes is what a consumer reads, from the middle of a batch on",
        arguments: Compression.allCases)
    func coding(compression: Compression) throws {
        var machine = ProducerMachine(settings: ProducerMachine.Settings())
        for ticket in 0..<10 as Range<UInt64> {
            let record = OutgoingRecord(
                ticket: ticket, key: [UInt8(ticket)], value: ticket == 4 ? nil : [1, 2, UInt8(ticket)],
                headers: [OutgoingRecord.Header(key: "h", value: nil)], timestamp: Timestamp(1_000 + Int64(ticket)))
            try machine.add(record, to: Self.zero, now: MonotonicInstant(0))
        }
        machine.flush()
        let view = Views.view(leaders: [1])
        _ = machine.advance(now: MonotonicInstant(0), view: view)
        machine.identityObtained(ProducerIdentity(id: ProducerID(3), epoch: ProducerEpoch(1)))
        guard case .send(_, let batches)? = machine.advance(now: MonotonicInstant(0), view: view).first else {
            return #expect(Bool(false), "a request is due")
        }
        var batch = try RecordBatch(BatchCoding.encode(batches[0], compression: compression))
        #expect(batch.header.baseSequence == 0 && batch.header.producerID == ProducerID(3))
        batch.place(at: Offset(100), leaderEpoch: LeaderEpoch(2))
        let cut = Bytes(batch.bytes.array + batch.bytes.array.prefix(40))
        let decoded = try BatchCoding.decode(cut, of: Self.zero, from: Offset(104), skipping: [])
        #expect(decoded.end == Offset(110) && decoded.lastEpoch == LeaderEpoch(2))
        #expect(decoded.records.map(\.offset.value) == Array(104..<110))
        #expect(decoded.records[0].value == nil && decoded.records[1].value?.array == [1, 2, 5])
        #expect(decoded.records[0].key?.array == [4] && decoded.records[0].headers.map(\.key) == ["h"])
        #expect(decoded.records[0].timestamp == Timestamp(1_004))
    }

    @Test("Records of a transaction that was given up are skipped, up to its marker")
    func aborted() throws {
        let producer = BatchProducer(id: ProducerID(5), epoch: ProducerEpoch(0), baseSequence: 0)
        func data(_ offset: Int64, _ text: String) -> [UInt8] {
            var builder = RecordBatchBuilder(baseOffset: Offset(offset), producer: producer, isTransactional: true)
            builder.append(timestamp: Timestamp(0), key: nil, value: Bytes(utf8: text))
            return builder.finish().array
        }
        let marker = RecordBatchBuilder.control(
            .abort, value: Bytes([0, 0, 0, 0, 0, 0]), timestamp: Timestamp(0), baseOffset: Offset(1),
            producer: BatchProducer(id: ProducerID(5), epoch: ProducerEpoch(0), baseSequence: nil),
            isTransactional: true)
        let all = Bytes(data(0, "dropped") + marker.array + data(2, "kept"))
        let range = FetchQuestion.AbortedRange(producer: ProducerID(5), firstOffset: .zero)
        let decoded = try BatchCoding.decode(all, of: Self.zero, from: .zero, skipping: [range])
        #expect(decoded.records.map { String(decoding: $0.value?.array ?? [], as: UTF8.self) } == ["kept"])
        #expect(decoded.end == Offset(3))
    }
}
