package import Primitives

/// Where a consumer stands in each of its partitions, and what it still has to find out.
package struct ConsumerPositions: Hashable, Sendable {
    /// Where to start in a partition for which nothing is committed, or whose position no longer exists.
    package enum ResetPolicy: Hashable, Sendable {
        case earliest
        case latest
        /// An error for the reader.
        case fail
    }

    /// What is known about one partition's position.
    package enum State: Hashable, Sendable {
        /// The committed offset has to be asked for.
        case needsCommitted
        /// The start or end of the log has to be asked for.
        case needsReset(ResetPolicy)
        /// The next offset to be fetched, and the epoch of the record before it.
        case at(Offset, lastEpoch: LeaderEpoch?)
    }

    /// One partition to be fetched.
    package struct Wanted: Hashable, Sendable {
        package let place: TopicPartition
        package let offset: Offset
        package let leaderEpoch: LeaderEpoch?
    }

    package let resetPolicy: ResetPolicy
    private var states: [TopicPartition: State] = [:]

    package init(resetPolicy: ResetPolicy) { self.resetPolicy = resetPolicy }

    /// The assigned partitions, in order.
    package var assigned: [TopicPartition] { states.keys.sorted() }

    /// The state of an assigned partition.
    package func state(of place: TopicPartition) -> State? { states[place] }

    /// Replaces the assignment; partitions that stay keep their positions.
    package mutating func assign(_ places: [TopicPartition], startingAt state: State) {
        let before = states
        states = [:]
        for place in places { states[place] = before[place] ?? state }
    }

    /// Moves the position of an assigned partition; nothing happens to another one.
    package mutating func set(_ place: TopicPartition, _ state: State) {
        if states[place] != nil { states[place] = state }
    }

    /// What the group's coordinator has committed; nil leads to a reset.
    package mutating func committed(_ place: TopicPartition, _ offset: Offset?, epoch: LeaderEpoch?) {
        guard states[place] == .needsCommitted else { return }
        states[place] = offset.map { .at($0, lastEpoch: epoch) } ?? .needsReset(resetPolicy)
    }

    /// Partitions whose committed offset has to be asked for.
    package var needingCommitted: [TopicPartition] {
        assigned.filter { states[$0] == .needsCommitted }
    }

    /// Partitions whose log start or end has to be asked for.
    package var needingReset: [(place: TopicPartition, policy: ResetPolicy)] {
        assigned.compactMap { place in
            guard case .needsReset(let policy) = states[place] else { return nil }
            return (place, policy)
        }
    }

    /// What to fetch from one leader.
    package struct Fetch: Hashable, Sendable {
        package let leader: BrokerID
        package let wanted: [Wanted]
    }

    /// What to fetch from each leader that is not `busy`, and the topics whose leader is not known.
    package func plan(view: ClusterView, busy: Set<BrokerID>) -> (fetches: [Fetch], leaderless: [String]) {
        var wanted: [BrokerID: [Wanted]] = [:]
        var leaderless: Set<String> = []
        for place in assigned {
            guard case .at(let offset, _) = states[place] else { continue }
            guard let known = view.partition(place), let leader = known.leader, view.brokers[leader] != nil else {
                leaderless.insert(place.topic)
                continue
            }
            if busy.contains(leader) { continue }
            wanted[leader, default: []].append(Wanted(place: place, offset: offset, leaderEpoch: known.leaderEpoch))
        }
        let fetches = wanted.sorted { $0.key < $1.key }.map { Fetch(leader: $0.key, wanted: $0.value) }
        return (fetches, leaderless.sorted())
    }

    /// Takes over what a fetch from `asked` brought up to `end`; false if the position has moved meanwhile, and the
    /// records must be dropped.
    package mutating func advance(
        _ place: TopicPartition, from asked: Offset, to end: Offset, lastEpoch: LeaderEpoch?
    ) -> Bool {
        guard case .at(let offset, let known) = states[place], offset == asked else { return false }
        precondition(end >= offset, "a fetch does not go back")
        states[place] = .at(end, lastEpoch: lastEpoch ?? known)
        return true
    }

    /// The position that was fetched from does not exist (any more).
    package mutating func outOfRange(_ place: TopicPartition, asked: Offset) {
        guard case .at(let offset, _) = states[place], offset == asked else { return }
        states[place] = .needsReset(resetPolicy)
    }
}
