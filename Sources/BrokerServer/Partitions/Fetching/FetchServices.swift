import Primitives
import Replication
import Synchronization
import WireMessages
import World

/// What all fetches of a broker share: sessions, the partitions, and how an answer is put.
final class FetchServices: Sendable {
    let clock: any Clock
    /// `fetch.max.bytes`.
    let bytesMax: Int
    /// What this broker's leaders send to throttled replicas.
    let leaderThrottle: ReplicationThrottle
    /// Whether consumers are sent to a replica in their rack.
    private let isRackAware: Bool
    private let table: PartitionTable
    private let sessions: Mutex<Sessions>
    /// How often a fetch looked at a partition.
    let looks = Atomic<UInt64>(0)
    private let randomness: any Randomness

    private struct Sessions {
        var cache: FetchSessionCache
        var watches: [Int32: SessionWatch] = [:]

        /// The watches of the sessions that are over.
        mutating func takeEnded() -> [SessionWatch] {
            cache.takeEnded().compactMap { watches.removeValue(forKey: $0) }
        }
    }

    init(table: PartitionTable, world: World, bytesMax: Int, sessionSlots: Int, isRackAware: Bool) {
        self.table = table
        self.isRackAware = isRackAware
        self.bytesMax = bytesMax
        leaderThrottle = table.services.throttles.leaders
        clock = world.clock
        randomness = world.randomness
        sessions = Mutex(Sessions(cache: FetchSessionCache(slots: sessionSlots)))
    }

    /// Sorts out what a request fetches, by its session; with what the session is told by, where it has one.
    func plan(
        _ request: FetchSessionCache.Request, _ requester: FetchRequester
    ) throws(ReplicationError) -> (plan: FetchSessionCache.Plan, watch: SessionWatch?) {
        let now = clock.now
        var ended: [SessionWatch] = []
        defer { for watch in ended { watch.end() } }
        let (plan, watch) = try sessions.withLock { (sessions) throws(ReplicationError) in
            defer { ended = sessions.takeEnded() }
            var watch = sessions.watches[request.sessionID]
            let plan = try sessions.cache.begin(
                request, marked: { watch?.takeMarked() ?? [] }, isAnother: watch?.isAnother(requester) ?? false,
                freshID: { Int32(truncatingIfNeeded: self.randomness.next() & 0x7FFF_FFFF) }, now: now)
            if plan.sessionID == 0 { return (plan, nil as SessionWatch?) }
            if !plan.isIncremental {
                watch = SessionWatch(now: now)
                sessions.watches[plan.sessionID] = watch
            }
            watch?.asked(by: requester, at: now)
            return (plan, watch)
        }
        if let watch { for slot in plan.released { watch.release(slot) } }
        return (plan, watch)
    }

    /// Adds to a fetch that waits what has been marked meanwhile.
    ///
    /// - Returns: false where its session is over or has gone on: nothing more comes for it.
    func join(_ watch: SessionWatch, _ plan: inout FetchSessionCache.Plan, _ places: inout [FetchPlace]) -> Bool {
        let isOn = sessions.withLock { sessions in
            // Another session may have taken its number.
            guard sessions.watches[plan.sessionID] === watch else { return false }
            return sessions.cache.join(watch.takeMarked, to: &plan)
        }
        for index in places.count..<plan.items.count {
            var place = place(plan.items[index], watch)
            place.isFirst = false
            places.append(place)
        }
        return isOn
    }

    /// What is to be read for an item of a plan; the refusal where there is nothing here.
    func place(_ item: DueFetch, _ watch: SessionWatch?) -> FetchPlace {
        let (partition, refusal) = partition(item.key)
        var place = FetchPlace(partition: partition, read: FetchRead(error: refusal))
        if let partition { place.watch = watch?.watch(item.slot, on: partition) } else { watch?.release(item.slot) }
        return place
    }

    /// The partition that an item names, or why there is none to read here.
    private func partition(_ key: FetchKey) -> (partition: Partition?, refusal: ErrorCode) {
        switch key.topic {
        case .id(let id):
            if let partition = table.partition(id, key.partition) { return (partition, .noError) }
            return (nil, table.absence(id, key.partition).error)
        case .name(let name):
            if let partition = table.partition(name, key.partition) { return (partition, .noError) }
            return (nil, table.absence(name, key.partition).error)
        }
    }

    /// The replicas of a partition that are nearer to a consumer in `rack` than this broker; none where it is near
    /// itself, or nobody asked for it.
    func nearby(_ partition: Partition, rack: String, listener: String) -> [BrokerID] {
        guard isRackAware, !rack.isEmpty else { return [] }
        return table.others(of: partition, inRack: rack, reachedBy: listener)
    }

    /// Who leads the partition that an item names, as far as this broker knows.
    private func leader(_ key: FetchKey) -> LeaderHint? {
        if let partition = partition(key).partition { return partition.leaderHint }
        return switch key.topic {
        case .id(let id): table.absence(id, key.partition).leader
        case .name(let name): table.absence(name, key.partition).leader
        }
    }

    /// Sends an answer: an incremental one without the partitions that have nothing new.
    func send(_ answer: FetchAnswer, _ reply: Reply<FetchResponse>) {
        let told = tell(answer)
        var hints: [Int: LeaderHint] = [:]
        var nodes: [FetchResponse.NodeEndpoint] = []
        if reply.version >= 12 { gatherHints(answer, told, &hints, &nodes) }
        var writer = FetchResponseWriter(for: reply)
        writer.write(answer, told: told, hints: hints, nodes: nodes)
        reply.send(frame: writer.finish())
    }

    private func tell(_ answer: FetchAnswer) -> [Int] {
        guard answer.plan.sessionID != 0 else { return Array(answer.places.indices) }
        let news = answer.places.map { $0.wasRead ? $0.read.news : nil }
        return sessions.withLock { $0.cache.told(news, plan: answer.plan) }
    }

    /// Who leads instead, and where (KIP-951).
    private func gatherHints(
        _ answer: FetchAnswer, _ told: [Int], _ hints: inout [Int: LeaderHint],
        _ nodes: inout [FetchResponse.NodeEndpoint]
    ) {
        for index in told {
            let error = answer.places[index].read.error
            guard error == .notLeaderOrFollower || error == .fencedLeaderEpoch,
                let hint = leader(answer.plan.items[index].key)
            else { continue }
            hints[index] = hint
            guard let leader = hint.leader, !nodes.contains(where: { $0.nodeID == leader }),
                let endpoint = table.endpoint(of: leader, listener: answer.listener)
            else { continue }
            var node = FetchResponse.NodeEndpoint()
            node.nodeID = leader
            node.host = endpoint.host
            node.port = Int32(endpoint.port)
            node.rack = table.rack(of: leader)
            nodes.append(node)
        }
    }
}
