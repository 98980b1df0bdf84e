import Primitives
import Quorum

/// The operator of a quorum with dynamic voters: replaces those whose disk was replaced, adds nodes, removes voters.
extension QuorumSimulation {
    static let operationTimeoutMilliseconds: Int64 = 3_000

    /// Asks whoever believes to lead for one change; now and then for the next ones at once, which has to be refused or
    /// wait.
    mutating func operate() {
        heap.schedule(.operate, afterMicroseconds: 200_000 + Int64(generator.next() % 1_500_000))
        let more = generator.chance(1, in: 3) ? 1 + generator.next() % 2 : 0
        for _ in 0...more { askForChange() }
    }

    private mutating func askForChange() {
        let index = truth.nodes.indices.first { truth.nodes[$0].replica?.leaderID == truth.nodes[$0].id }
        guard let index, isProducing, !truth.nodes[index].isPaused, let voters = truth.nodes[index].replica?.voters,
            let (request, key, isAdded) = wish(voters)
        else { return }
        truth.nodes[index].lastToken += 1
        let token = RequestToken(truth.nodes[index].lastToken)
        truth.nodes[index].operations[token] = QuorumNode.Operation(
            key: key, isAdded: isAdded, committedSets: truth.committedVoters.count)
        note("the operator asks node \(index + 1) to \(isAdded ? "add" : "remove") \(key)")
        step(index, .asked(token, request))
    }

    /// One who knows what is left: a voter without its disk goes first, and no whole one goes before.
    private mutating func wish(_ voters: VoterSet) -> (QuorumRequest, ReplicaKey, isAdded: Bool)? {
        let lost = voters.all.first { voter in !truth.nodes.contains { voter.admits($0.key) } }
        if let lost { return (remove(lost), lost, false) }
        let outside = truth.nodes.filter { !voters.contains(id: $0.id) }
        if generator.chance(1, in: 2), voters.members.count > 2 {
            let chosen = voters.all[Int(generator.next() % UInt64(voters.members.count))]
            return (remove(chosen), chosen, false)
        }
        guard let last = outside.min(by: { $0.disk.durableEnd < $1.disk.durableEnd }) else { return nil }
        // Who is behind most of all is worth more trouble than the others.
        let isLast = generator.chance(1, in: 2)
        let node = isLast ? last : outside[Int(generator.next() % UInt64(outside.count))]
        let voter = QuorumSimulation.voter(node: Int(node.id.value), disk: node.disks, isDynamic: true)
        let ask = AddVoterAsk(voter: voter, timeoutMilliseconds: QuorumSimulation.operationTimeoutMilliseconds)
        return (.addVoter(ask), voter.key, true)
    }

    private func remove(_ key: ReplicaKey) -> QuorumRequest {
        .removeVoter(
            RemoveVoterAsk(key: key, timeoutMilliseconds: QuorumSimulation.operationTimeoutMilliseconds))
    }

    /// What the operator was told to be done is committed.
    mutating func operationAnswered(_ answer: QuorumAnswer, _ token: RequestToken, at index: Int) {
        guard case .voterChange(let verdict, let refusal) = answer,
            let operation = truth.nodes[index].operations.removeValue(forKey: token)
        else { return }
        note("the operator hears of \(operation.key): \(refusal.map { "\($0)" } ?? "error \(verdict.error.value)")")
        guard verdict.error == .noError else { return }
        operationsDone += 1
        let since = truth.committedVoters.dropFirst(operation.committedSets)
        guard since.contains(where: { $0.contains(operation.key) == operation.isAdded }) else {
            return fail("the operator was told of a change of \(operation.key) that is not committed")
        }
    }
}
