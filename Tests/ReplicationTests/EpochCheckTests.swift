import Primitives
import Replication
import Testing

@Suite("Epoch checks") struct EpochCheckTests {
    @Test("Rule 5: the epoch is checked before leadership")
    func order() {
        let current = LeaderEpoch(4)
        #expect(EpochCheck.refusal(requested: LeaderEpoch(3), current: current, isLeader: false) == .fencedLeaderEpoch)
        #expect(EpochCheck.refusal(requested: LeaderEpoch(5), current: current, isLeader: false) == .unknownLeaderEpoch)
        #expect(EpochCheck.refusal(requested: current, current: current, isLeader: false) == .notLeaderOrFollower)
        #expect(EpochCheck.refusal(requested: nil, current: current, isLeader: false) == .notLeaderOrFollower)
        #expect(EpochCheck.refusal(requested: current, current: current, isLeader: true) == nil)
        #expect(EpochCheck.refusal(requested: nil, current: current, isLeader: true) == nil)
    }
}
