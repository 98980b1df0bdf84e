import Primitives
import Replication

/// A partition with the replicas 1, 2 and 3, led by 1, for tests of the rules.
final class LeaderFixture {
    static let me = BrokerID(1)
    static let second = BrokerID(2)
    static let third = BrokerID(3)
    static let epoch = LeaderEpoch(5)

    var leader: LeaderReplica
    var now = MonotonicInstant(0)
    /// The proposals that came out of steps, in order.
    var proposals: [ISRProposal] = []

    static func life(_ epoch: Int64 = 10, isFenced: Bool = false, isShuttingDown: Bool = false) -> BrokerLife {
        BrokerLife(epoch: BrokerEpoch(epoch), isFenced: isFenced, isShuttingDown: isShuttingDown)
    }

    static func assignment(
        inSync: [Int32] = [1, 2, 3], partitionEpoch: Int32 = 7, epoch: LeaderEpoch = LeaderFixture.epoch,
        replicas: [Int32] = [1, 2, 3]
    ) -> PartitionAssignment {
        PartitionAssignment(
            leader: me, leaderEpoch: epoch, partitionEpoch: PartitionEpoch(partitionEpoch),
            replicas: replicas.map { BrokerID($0) }, inSync: inSync.map { BrokerID($0) })
    }

    init(
        inSync: [Int32] = [1, 2, 3], replicas: [Int32] = [1, 2, 3], minInSync: Int = 2, flushes: Bool = false,
        logEnd: Int64 = 0, highWatermark: Int64 = 0
    ) {
        leader = LeaderReplica(
            me: LeaderFixture.me, assignment: LeaderFixture.assignment(inSync: inSync, replicas: replicas),
            settings: LeaderReplica.Settings(
                minInSyncReplicas: minInSync, replicaLagMaxMilliseconds: 1_000, flushesOnAck: flushes),
            logEnd: Offset(logEnd), flushedEnd: Offset(logEnd), highWatermark: Offset(highWatermark),
            lives: { _ in LeaderFixture.life() }, now: now)
    }

    func append(to end: Int64) { take(leader.appended(to: Offset(end), now: now)) }

    /// Takes a fetch; nil when it is refused.
    @discardableResult
    func fetch(_ follower: BrokerID, at end: Int64, brokerEpoch: Int64? = 10) -> ErrorCode? {
        let fetch = FollowerFetch(
            follower: follower, brokerEpoch: brokerEpoch.map { BrokerEpoch($0) }, endOffset: Offset(end),
            logStart: .zero)
        do throws(ReplicationError) {
            take(try leader.followerFetched(fetch, now: now))
            return nil
        } catch {
            return error.code
        }
    }

    func wait(milliseconds: Int64) { now = now.advanced(byMilliseconds: milliseconds) }

    func checkLag() { take(leader.checkLag(now: now)) }

    func answer(_ proposal: ISRProposal, _ answer: ISRAnswer) -> LeaderReplica.AnswerVerdict {
        let verdict = leader.isrAnswered(proposal, answer, now: now)
        if case .settled(let outcome) = verdict { take(outcome) }
        return verdict
    }

    func commit(_ proposal: ISRProposal, partitionEpoch: Int32 = 8) {
        let answer = ISRAnswer.committed(
            leaderEpoch: proposal.leaderEpoch, partitionEpoch: PartitionEpoch(partitionEpoch),
            inSync: proposal.members.map(\.broker))
        _ = self.answer(proposal, answer)
    }

    func take(_ outcome: LeaderReplica.Outcome) {
        if let proposal = outcome.proposal { proposals.append(proposal) }
    }

    var highWatermark: Int64 { leader.highWatermark.value }
}
