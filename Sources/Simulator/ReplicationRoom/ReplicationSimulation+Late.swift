import Controller
import Metadata
import Primitives
import Replication
import WireMessages

/// Faults in which what comes late, or comes again, hurts most: fetches of former lives and of former epochs.
extension ReplicationSimulation {
    // MARK: what was asked long ago

    mutating func keepFetch(_ fetch: ReplicationEvent.Fetch, to index: Int) {
        if let last = asked[index][fetch.from], last.position.leaderEpoch != fetch.position.leaderEpoch {
            formerlyAsked[index][fetch.from] = last
        }
        asked[index][fetch.from] = fetch
    }

    /// A process ends: what it asked may still be on its way when the next one is let in.
    mutating func keepFetches(of index: Int) {
        for to in asked.indices where asked[to][index] != nil { formerlyAsked[to][index] = asked[to][index].take() }
    }

    /// Who leads anew finds what it was asked in former epochs, too.
    mutating func repeatFetches(to index: Int) {
        for from in truth.nodes.indices {
            // Before the follower has all again that it cut.
            repeatLate(asked[index][from], to: index, withinMicroseconds: plan.delayMicrosecondsMax)
            repeatLate(formerlyAsked[index][from], to: index, withinMicroseconds: plan.delayMicrosecondsMax)
        }
    }

    /// Who is let in again is heard of, and then what its former life asked.
    mutating func repeatFormerFetches(of index: Int) {
        let longest = ReplicationSimulation.repeatedMicroseconds + 2 * plan.delayMicrosecondsMax
        for to in truth.nodes.indices {
            repeatLate(formerlyAsked[to][index].take(), to: to, withinMicroseconds: longest)
        }
    }

    private mutating func repeatLate(
        _ fetch: ReplicationEvent.Fetch?, to index: Int, withinMicroseconds longest: Int64
    ) {
        guard let fetch, !isHealed, plan.stragglersPerMille > 0, generator.chance(1, in: 2) else { return }
        heap.schedule(.fetch(fetch, to: index), afterMicroseconds: Int64(generator.next() % UInt64(longest)))
    }

    private static let repeatedMicroseconds: Int64 = 20_000

    // MARK: reigns

    /// The preferred replica is to lead: a leader goes that nothing is wrong with, and stays in sync. Every second time
    /// the new one does not lead for long: the former one may lead again before it has heard of any of it, most of all
    /// where it stands still; and the new one lacks what others have had of the former one just now.
    mutating func elect() {
        guard let former = truth.partition.leader, let preferred = truth.partition.replicas.first,
            former != preferred, plan.pauses, !mustReturnSoon(), generator.chance(1, in: 2)
        else { return electNow() }
        note("\(preferred) gets nothing from \(former)")
        network.cut(from: Int(former.value) - 1, to: Int(preferred.value) - 1)
        let wait = Int64(generator.next() % UInt64(ReplicationSimulation.behindMicrosecondsMax))
        heap.schedule(.elect, afterMicroseconds: wait)
        heap.schedule(.endPartition, afterMicroseconds: ReplicationSimulation.behindMicrosecondsMax)
    }

    mutating func electNow() {
        guard !isHealed else { return }
        let former = truth.partition.leader
        var request = ElectLeadersRequest()
        request.electionType = 0
        request.topicPartitions = nil
        note("the preferred leader is to lead")
        commit(truth.controller.electLeaders(request))
        guard let former, truth.partition.leader != former, generator.chance(1, in: 2) else { return }
        if plan.pauses, generator.chance(3, in: 4) { pause(Int(former.value) - 1) }
        let reign = Int64(generator.next() % UInt64(ReplicationSimulation.shortReignMicrosecondsMax))
        heap.schedule(.fenceLeader, afterMicroseconds: reign)
    }

    /// Shorter than what makes a follower leave the in-sync set.
    private static let behindMicrosecondsMax: Int64 = 300_000
    private static let shortReignMicrosecondsMax: Int64 = 200_000

    // MARK: empty disks

    /// Every second time the loss of a disk waits until all are in sync, while nothing else goes wrong and nobody
    /// writes: what the disk had is still all that there is when its broker is back.
    mutating func wipeSoonOrLater(_ index: Int) {
        guard generator.chance(1, in: 2) else { return wipe(index) }
        quietUntil = now.advanced(byMilliseconds: ReplicationSimulation.quietMilliseconds)
        silentUntil = quietUntil
        wipeOnceWhole()
    }

    /// A follower's disk: its leader is to be the same when it is back.
    mutating func wipeOnceWhole() {
        guard !isHealed, now < quietUntil else { return }
        let isCommitted = truth.nodes.allSatisfy { $0.leader.map { $0.highWatermark == $0.logEnd } ?? true }
        let followers = truth.nodes.indices.filter { truth.nodes[$0].follower != nil }
        guard isCommitted, isWhole, lossy == nil || isFilledAgain(), !followers.isEmpty else {
            return heap.schedule(.wipeOnceWhole, afterMicroseconds: ReplicationSimulation.lookMicroseconds)
        }
        let after = now.advanced(byMilliseconds: ReplicationSimulation.fillingMilliseconds)
        silentUntil = after
        quietUntil = after
        wipe(followers[Int(generator.next() % UInt64(followers.count))])
    }

    private static let quietMilliseconds: Int64 = 1_500
    private static let fillingMilliseconds: Int64 = 2_500
    private static let lookMicroseconds: Int64 = 50_000
}
