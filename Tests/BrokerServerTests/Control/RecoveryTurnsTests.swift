import BrokerServer
import Metadata
import Primitives
import Testing

@Suite("Recoveries in heartbeats") struct RecoveryTurnsTests {
    private func partitions(_ range: Range<Int32>) -> [TopicPartitionID] {
        range.map { TopicPartitionID(UUID128(high: 1, low: 1), PartitionIndex($0)) }
    }

    @Test("What fits into one heartbeat is told with each")
    func few() {
        var turns = RecoveryTurns()
        let all = partitions(0..<500)
        for end in [Offset(7), Offset(9)] {
            let share = turns.next(of: Set(all), metadataEnd: end)
            #expect(share.partitions == all)
            #expect(share.toldEnd == end)
            turns.heard()
        }
        #expect(turns.next(of: [], metadataEnd: Offset(11)).toldEnd == Offset(11))
    }

    @Test("More than that get their turns, though the first of them are not settled; who has told all says so")
    func many() {
        var turns = RecoveryTurns()
        let all = partitions(0..<1_200)
        var told: [TopicPartitionID] = []
        var ends: [Int64] = []
        for heartbeat in 0..<6 as Range<Int64> {
            let share = turns.next(of: Set(all), metadataEnd: Offset(10 + heartbeat))
            told += share.partitions
            ends.append(share.toldEnd.value)
            turns.heard()
        }
        #expect(told == all + all)
        #expect(ends == [0, 0, 10, 10, 10, 13], "what was known as the turn began, once the turn is over")
    }

    @Test("What nobody answered is told again, and nothing is said to be told before")
    func unanswered() {
        var turns = RecoveryTurns()
        let all = Set(partitions(0..<600))
        let first = turns.next(of: all, metadataEnd: Offset(3))
        #expect(turns.next(of: all, metadataEnd: Offset(5)) == first)
        turns.heard()
        #expect(turns.next(of: all, metadataEnd: Offset(6)).partitions == partitions(500..<600))
        #expect(turns.next(of: all, metadataEnd: Offset(6)).toldEnd == Offset(3))
    }
}
