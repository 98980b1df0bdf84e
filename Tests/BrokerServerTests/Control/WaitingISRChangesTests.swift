import Metadata
import Primitives
import Testing

@testable import BrokerServer
@testable import Replication

@Suite("ISR changes that wait for the controller")
struct WaitingISRChangesTests {
    private static func change(_ index: Int32, leaderEpoch: Int32, partitionEpoch: Int32 = 0)
        -> WaitingISRChanges.Change
    {
        WaitingISRChanges.Change(
            partition: TopicPartitionID(TopicID(high: 1, low: 1), PartitionIndex(index)),
            proposal: ISRProposal(
                leaderEpoch: LeaderEpoch(leaderEpoch), partitionEpoch: PartitionEpoch(partitionEpoch), members: []),
            completion: { _ in })
    }

    private static func numbers(_ changes: [WaitingISRChanges.Change]) -> [[Int32]] {
        changes.map { [$0.partition.index.value, $0.proposal.leaderEpoch.value, $0.proposal.partitionEpoch.value] }
    }

    @Test("They go in the order in which their partitions came, so many at a time")
    func order() {
        var waiting = WaitingISRChanges()
        for index: Int32 in [7, 3, 5] {
            let isNew = waiting.add(Self.change(index, leaderEpoch: 1)) == nil
            #expect(isNew)
        }
        let first = waiting.take(2)
        #expect(Self.numbers(first) == [[7, 1, 0], [3, 1, 0]])
        #expect(!waiting.isEmpty)
        _ = waiting.add(Self.change(7, leaderEpoch: 1))
        let rest = waiting.take(10)
        #expect(Self.numbers(rest) == [[5, 1, 0], [7, 1, 0]])
        #expect(waiting.isEmpty)
    }

    @Test("Rule 13: a partition is asked for once, with the newer of its proposals, whichever came first")
    func newerWins() {
        var waiting = WaitingISRChanges()
        _ = waiting.add(Self.change(0, leaderEpoch: 1, partitionEpoch: 9))
        let older = waiting.add(Self.change(0, leaderEpoch: 2, partitionEpoch: 3))
        #expect(older.map { Self.numbers([$0]) } == [[0, 1, 9]])
        let late = waiting.add(Self.change(0, leaderEpoch: 2, partitionEpoch: 2))
        #expect(late.map { Self.numbers([$0]) } == [[0, 2, 2]])
        let sent = waiting.take(10)
        #expect(Self.numbers(sent) == [[0, 2, 3]])
    }
}
