import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Idempotent producers") struct ProducerStateTests {
    private func send(
        _ fixture: inout LogFixture, _ id: Int64 = 1, epoch: Int16 = 0, sequence: Int32, count: Int = 1,
        time: Int64 = 1_000
    ) throws -> AppendOutcome {
        let piece = batch(count, time: time, producer: idempotent(id, epoch: epoch, sequence: sequence))
        return try fixture.append(piece)[0]
    }

    @Test("Rule 23: a repeated batch gets its old offsets, for the last five batches")
    func duplicates() throws {
        var fixture = try LogFixture()
        for sequence in 0..<7 as Range<Int32> { _ = try send(&fixture, sequence: sequence * 2, count: 2) }
        for sequence in 2..<7 as Range<Int32> {
            let outcome = try send(&fixture, sequence: sequence * 2, count: 2)
            #expect(outcome.duplicate?.baseOffset == Offset(Int64(sequence) * 2))
            #expect(outcome.duplicate?.endOffset == Offset(Int64(sequence) * 2 + 2))
        }
        #expect(try send(&fixture, sequence: 2, count: 2).refusal == .outOfOrderSequenceNumber)
        #expect(try send(&fixture, sequence: 12, count: 1).refusal == .outOfOrderSequenceNumber, "another batch")
        #expect(fixture.log.logEndOffset == Offset(14))
    }

    @Test("Rule 23: a gap is out of order; an unknown producer may start anywhere")
    func gaps() throws {
        var fixture = try LogFixture()
        #expect(try send(&fixture, sequence: 17).appended != nil)
        #expect(try send(&fixture, sequence: 19).refusal == .outOfOrderSequenceNumber)
        #expect(try send(&fixture, sequence: 18).appended != nil)
    }

    @Test("Rule 23: after 2^31 - 1 comes 0, within a batch and between two")
    func wraps() throws {
        var fixture = try LogFixture()
        #expect(try send(&fixture, sequence: Int32.max - 1, count: 2).appended != nil)
        #expect(try send(&fixture, sequence: 0).appended != nil)
        var inside = try LogFixture()
        #expect(try send(&inside, sequence: Int32.max - 1, count: 4).appended != nil)
        #expect(try send(&inside, sequence: 2).appended != nil)
        #expect(try send(&inside, sequence: Int32.max - 1, count: 4).duplicate?.baseOffset == .zero)
    }

    @Test("Rule 23: a new epoch starts at 0, an older one is fenced")
    func epochs() throws {
        var fixture = try LogFixture()
        #expect(try send(&fixture, epoch: 3, sequence: 0).appended != nil)
        #expect(try send(&fixture, epoch: 4, sequence: 1).refusal == .outOfOrderSequenceNumber)
        #expect(try send(&fixture, epoch: 4, sequence: 0).appended != nil)
        #expect(try send(&fixture, epoch: 3, sequence: 1).refusal == .invalidProducerEpoch)
        #expect(try send(&fixture, epoch: 4, sequence: 1).appended != nil)
    }

    @Test("Rule 23: batches of one call are judged against those before them in it")
    func withinOneCall() throws {
        var fixture = try LogFixture()
        let outcomes = try fixture.append(
            batch(producer: idempotent(1, sequence: 0)), batch(producer: idempotent(1, sequence: 1)),
            batch(producer: idempotent(1, sequence: 1)), batch(producer: idempotent(1, sequence: 3)),
            batch(producer: idempotent(2, sequence: 0)), batch(producer: idempotent(1, sequence: 2)))
        #expect(outcomes.map { $0.appended?.baseOffset.value } == [0, 1, nil, nil, 2, 3])
        #expect(outcomes[2].duplicate?.baseOffset == Offset(1))
        #expect(outcomes[3].refusal == .outOfOrderSequenceNumber)
    }

    @Test("Rule 23: a follower takes what the leader took, whatever its own state says")
    func followersDoNotJudge() throws {
        var fixture = try LogFixture()
        let pieces = [(0, 5), (1, 9), (2, 2)].map { offset, sequence in
            batch(producer: idempotent(1, epoch: 3, sequence: Int32(sequence)), baseOffset: Int64(offset), epoch: 0)
        }
        for piece in pieces { try fixture.log.appendAsFollower(piece, now: fixture.now) }
        #expect(fixture.log.producers[ProducerID(1)]?.batches.map(\.firstSequence) == [5, 9, 2])
    }

    @Test("Rule 25: followers, restarts of every kind and truncations have the state the log says")
    func rebuilt() throws {
        var leader = try LogFixture.small()
        var generator = SeededGenerator(seed: 7)
        var next: [Int64: Int32] = [:]
        for step in 0..<80 {
            let id = Int64(generator.next() % 5)
            let count = Int(generator.next() % 3) + 1
            let sequence = next[id, default: 0]
            let outcome = try send(&leader, id, sequence: sequence, count: count, time: 1_000 + Int64(step))
            #expect(outcome.appended != nil)
            next[id] = sequence + Int32(count)
        }
        let all = try leader.contents()
        var follower = try LogFixture.small()
        try follower.log.appendAsFollower(Bytes(all), now: follower.now)
        #expect(follower.log.producers == leader.log.producers)
        for cut in [Offset(100), Offset(60), Offset(13)] {
            try follower.log.truncate(to: cut)
            let model = try #require(Self.slowModel(try follower.contents()))
            // A snapshot holds the last batch of each producer only, as Kafka's does.
            #expect(follower.log.producers.ids == model.ids)
            for id in model.ids {
                let batches = try #require(follower.log.producers[id]?.batches)
                #expect(model[id]?.batches.suffix(batches.count) == batches[...])
                #expect(!batches.isEmpty)
            }
        }
        let states = leader.log.producers
        try leader.reopen()
        #expect(leader.log.producers == states, "unclean: all is replayed")
        try leader.log.close()
        try leader.reopen(clean: true)
        for id in states.ids { #expect(leader.log.producers[id]?.batches.last == states[id]?.batches.last) }
    }

    /// The state as a fresh log has it that is given the same batches.
    private static func slowModel(_ content: [UInt8]) -> ProducerStates? {
        guard var fixture = try? LogFixture() else { return nil }
        _ = try? fixture.log.appendAsFollower(Bytes(content), now: fixture.now)
        return fixture.log.producers
    }

    @Test("Rule 25: a damaged snapshot is skipped for the one before it, one behind the recovery point is not used")
    func damagedSnapshots() throws {
        var fixture = try LogFixture.small()
        for sequence in 0..<40 as Range<Int32> { _ = try send(&fixture, sequence: sequence) }
        let states = fixture.log.producers
        try fixture.log.flush()
        let point = fixture.log.flushedEndOffset
        try fixture.log.recoveryPointWasSaved(point)
        let snapshots = try fixture.names.filter { $0.hasSuffix(".snapshot") }
        #expect(snapshots.count == fixture.log.segmentCount - 1)
        fixture.disk.flip(fixture.path(snapshots.last ?? ""), at: 20)
        try fixture.reopen(recoveryPoint: point)
        #expect(fixture.report.ignoredFiles == [fixture.path(snapshots.last ?? "")])
        #expect(fixture.log.producers[ProducerID(1)]?.batches.last == states[ProducerID(1)]?.batches.last)
        try fixture.reopen(recoveryPoint: .zero)
        #expect(fixture.log.producers == states)
    }

    @Test("Rule 25: the snapshot file is Kafka's version 1 to the byte")
    func snapshotBytes() throws {
        var fixture = try LogFixture()
        _ = try send(&fixture, 0x0102, epoch: 3, sequence: 0, count: 2, time: 0x1122)
        let content = ProducerSnapshot.encode(fixture.log.producers)
        let entry: [UInt8] =
            [0, 0, 0, 0, 0, 0, 1, 2] + [0, 3] + [0, 0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 1]
            + [0, 0, 0, 0, 0, 0, 0x11, 0x23] + [255, 255, 255, 255] + [UInt8](repeating: 255, count: 8)
        #expect(Array(content[0..<2]) == [0, 1])
        #expect(Array(content[6...]) == [0, 0, 0, 1] + entry)
        #expect(Bytes(content).bigEndian(UInt32.self, at: 2) == CRC32C.checksum(Bytes(Array(content[6...])).span))
        #expect(ProducerSnapshot.decode(content) == fixture.log.producers)
        for length in 0..<content.count { #expect(ProducerSnapshot.decode(Array(content[..<length])) == nil) }
    }

    private static let day: Int64 = 86_400_000

    /// An instant so long after the log was opened.
    private func after(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(0).advanced(byMilliseconds: milliseconds)
    }

    @Test("Rule 26, F28: a time of day that jumps forgets no producer")
    func clockJumps() throws {
        var fixture = try LogFixture()
        _ = try send(&fixture, 1, sequence: 0, time: 1_000)
        fixture.log.expireProducers(now: Timestamp(1_000 + 30 * Self.day), at: after(0))
        fixture.log.expireProducers(now: Timestamp(1_000 + 30 * Self.day), at: after(Self.day - 1))
        #expect(fixture.log.producers.ids == [ProducerID(1)])
        _ = try send(&fixture, 1, sequence: 1, time: 2_000)
        fixture.log.expireProducers(now: Timestamp(1_000 + 30 * Self.day), at: after(Self.day + 1))
        #expect(fixture.log.producers.ids == [ProducerID(1)], "it wrote meanwhile")
        fixture.log.expireProducers(now: Timestamp(1_000 + 30 * Self.day), at: after(2 * Self.day + 1))
        #expect(fixture.log.producers.ids.isEmpty)
    }

    @Test("Rule 26: producers expire by record time; a cap bounds how many are remembered")
    func expires() throws {
        var fixture = try LogFixture { $0.producersMax = 20 }
        _ = try send(&fixture, 1, sequence: 0, time: 1_000)
        _ = try send(&fixture, 2, sequence: 0, time: 50_000)
        fixture.log.expireProducers(now: Timestamp(60_000), at: after(0))
        fixture.log.expireProducers(now: Timestamp(1_000 + Self.day - 1), at: after(Self.day))
        #expect(fixture.log.producers.count == 2)
        fixture.log.expireProducers(now: Timestamp(1_000 + Self.day), at: after(Self.day))
        #expect(fixture.log.producers.ids == [ProducerID(2)])
        for id in 10..<100 as Range<Int64> { _ = try send(&fixture, id, sequence: 0, time: 60_000 + id) }
        #expect(fixture.log.producers.count <= 20)
        #expect(fixture.log.producers[ProducerID(99)] != nil, "the newest stay")
        #expect(fixture.log.producers[ProducerID(2)] == nil)
    }

    @Test("Rule 26: an open transaction keeps its producer, a marker ends it and counts as activity")
    func transactions() throws {
        var fixture = try LogFixture()
        var builder = RecordBatchBuilder(producer: idempotent(4, sequence: 0), isTransactional: true)
        builder.append(timestamp: Timestamp(1_000), key: nil, value: Bytes(utf8: "x"))
        _ = try fixture.append(batch(), builder.finish())
        #expect(fixture.log.producers[ProducerID(4)]?.currentTransactionFirstOffset == Offset(1))
        fixture.log.expireProducers(now: Timestamp(60_000), at: after(0))
        fixture.log.expireProducers(now: Timestamp(1 << 50), at: after(1 << 40))
        #expect(fixture.log.producers.ids == [ProducerID(4)])
        let marker = RecordBatchBuilder.control(
            .commit, value: Bytes([0, 0, 0, 0, 0, 9]), timestamp: Timestamp(70_000),
            producer: BatchProducer(id: ProducerID(4), epoch: ProducerEpoch(0), baseSequence: nil),
            isTransactional: true)
        _ = try fixture.append(marker)
        let state = try #require(fixture.log.producers[ProducerID(4)])
        #expect(state.currentTransactionFirstOffset == nil)
        #expect(state.coordinatorEpoch == 9)
        #expect(state.lastTimestamp == Timestamp(70_000))
        try fixture.reopen()
        #expect(fixture.log.producers[ProducerID(4)] == state)
    }
}
