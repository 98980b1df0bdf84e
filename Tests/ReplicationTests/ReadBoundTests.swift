import Primitives
import Replication
import Testing

@Suite("Read bounds") struct ReadBoundTests {
    private let consumer = Requester.consumer(readsCommittedOnly: false)
    private let committed = Requester.consumer(readsCommittedOnly: true)

    @Test("Rule 9: a new leader names no end offset before its watermark reaches the epoch's start")
    func laggingWatermark() throws {
        let partition = LeaderFixture(logEnd: 10, highWatermark: 6)
        #expect(throws: ReplicationError(.offsetNotAvailable)) {
            try partition.leader.latestOffset(for: consumer, lastStable: nil)
        }
        #expect(throws: ReplicationError(.offsetNotAvailable)) {
            try partition.leader.offset(foundForTimestamp: Offset(8), requester: consumer, lastStable: nil)
        }
        #expect(
            try partition.leader.offset(foundForTimestamp: Offset(3), requester: consumer, lastStable: nil) == Offset(3)
        )
        partition.fetch(LeaderFixture.second, at: 10)
        partition.fetch(LeaderFixture.third, at: 10)
        #expect(try partition.leader.latestOffset(for: consumer, lastStable: nil) == Offset(10))
    }

    @Test("Rule 9: a fetch between watermark and log end is empty, not out of range")
    func betweenWatermarkAndEnd() {
        let partition = LeaderFixture(logEnd: 10, highWatermark: 6)
        func position(_ offset: Int64) -> LeaderReplica.Position {
            partition.leader.position(Offset(offset), logStart: Offset(2), requester: consumer, lastStable: nil)
        }
        #expect(position(5) == .readable(upTo: Offset(6)))
        #expect(position(6) == .notYet)
        #expect(position(10) == .notYet)
        #expect(position(11) == .outOfRange)
        #expect(position(1) == .outOfRange)
    }

    @Test("Rule 11: followers read to the log end, consumers to the watermark, careful ones to the last stable offset")
    func bounds() {
        let partition = LeaderFixture(logEnd: 10, highWatermark: 6)
        let leader = partition.leader
        #expect(leader.readEnd(for: .follower(LeaderFixture.second), lastStable: Offset(4)) == Offset(10))
        #expect(leader.readEnd(for: consumer, lastStable: Offset(4)) == Offset(6))
        #expect(leader.readEnd(for: committed, lastStable: Offset(4)) == Offset(4))
        #expect(leader.readEnd(for: committed, lastStable: nil) == Offset(6))
        #expect(leader.readEnd(for: committed, lastStable: Offset(8)) == Offset(6))
    }
}
