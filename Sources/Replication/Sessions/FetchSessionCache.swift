package import Primitives

/// The fetch sessions that a broker remembers, within a bound.
///
/// - Invariant: at most `slots` sessions; a session is used only by the principal that opened it.
/// - Source: KIP-227.
package struct FetchSessionCache: Sendable {
    /// The session fields of a request.
    package struct Request: Sendable {
        package var sessionID: Int32
        package var sessionEpoch: Int32
        package var items: [FetchItem]
        package var forgotten: [FetchKey]
        package var usesTopicIDs: Bool
        package var principal: String
        package var isFollower: Bool

        package init(
            sessionID: Int32, sessionEpoch: Int32, items: [FetchItem], forgotten: [FetchKey], usesTopicIDs: Bool,
            principal: String, isFollower: Bool
        ) {
            self.sessionID = sessionID
            self.sessionEpoch = sessionEpoch
            self.items = items
            self.forgotten = forgotten
            self.usesTopicIDs = usesTopicIDs
            self.principal = principal
            self.isFollower = isFollower
        }
    }

    /// What is to be fetched, and how the answer is to be put.
    package struct Plan: Sendable {
        /// The session that the answer names; 0 for none.
        package var sessionID: Int32
        /// The epoch under which the answer's changes are remembered.
        package var sessionEpoch: Int32
        /// What to look at, those first whose turn it is.
        package var items: [DueFetch]
        /// Whether the answer may leave out partitions without news.
        package var isIncremental: Bool
        /// The slots of the session that it has given up: nobody watches for them any more.
        package var released: [Int32] = []

        /// A fetch without a session.
        init(of items: [FetchItem]) {
            sessionID = 0
            sessionEpoch = 0
            self.items = items.map { DueFetch(key: $0.key, wish: $0.wish, slot: 0, isNamed: true) }
            isIncremental = false
        }

        init(sessionID: Int32, sessionEpoch: Int32, items: [DueFetch], isIncremental: Bool, released: [Int32] = []) {
            self.sessionID = sessionID
            self.sessionEpoch = sessionEpoch
            self.items = items
            self.isIncremental = isIncremental
            self.released = released
        }
    }

    /// The epoch of a request that opens a session.
    package static let initialEpoch: Int32 = 0
    /// The epoch of a request that wants none, and closes the one it names.
    package static let finalEpoch: Int32 = -1
    /// How long a session is safe from those with no greater right to a slot.
    package static let protectedMilliseconds: Int64 = 120_000

    private let slots: Int
    private var sessions: [Int32: FetchSession] = [:]
    private var ended: [Int32] = []

    package init(slots: Int) { self.slots = slots }

    package var count: Int { sessions.count }

    /// The sessions that are over since this was asked last: whatever watches for them is to be taken away.
    package mutating func takeEnded() -> [Int32] {
        defer { ended.removeAll(keepingCapacity: true) }
        return ended
    }

    /// Sorts out what a request fetches.
    ///
    /// - Parameter marked: gives the slots of the session in which something has happened since it was asked last;
    ///   asked only when the request is accepted.
    /// - Parameter isAnother: whether this request asks as another one than those before it, so that all is looked at.
    /// - Parameter freshID: a random positive number for a new session.
    /// - Errors: `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH`, `FETCH_SESSION_TOPIC_ID_ERROR`.
    package mutating func begin(
        _ request: Request, marked: () -> [Int32], isAnother: Bool = false, freshID: () -> Int32, now: MonotonicInstant
    ) throws(ReplicationError) -> Plan {
        switch request.sessionEpoch {
        case FetchSessionCache.finalEpoch:
            close(request)
            return Plan(of: request.items)
        case FetchSessionCache.initialEpoch:
            close(request)
            return open(request, freshID: freshID, now: now)
        default:
            return try proceed(request, marked: marked, isAnother: isAnother, now: now)
        }
    }

    /// Adds to a plan that waits what has been marked meanwhile.
    ///
    /// - Returns: false where the session is over, or has gone on: nothing more comes for this plan.
    package mutating func join(_ marked: () -> [Int32], to plan: inout Plan) -> Bool {
        guard let place = sessions.index(forKey: plan.sessionID) else { return false }
        return sessions.values[place].join(marked, to: &plan)
    }

    /// Which of a plan's items a full or incremental answer has to name; remembers what it says of each.
    ///
    /// What has no more to say is not due any longer. The partitions that carried records go behind all others that are
    /// due, so that all get their turn.
    /// - Parameter news: what there is to say of each of the plan's items, in their order; nil where it was not looked
    ///   at.
    package mutating func told(_ news: [FetchNews?], plan: Plan) -> [Int] {
        let told = sessions.index(forKey: plan.sessionID).flatMap { sessions.values[$0].told(news, plan) }
        if plan.isIncremental, let told { return told }
        return news.indices.filter { news[$0] != nil }
    }

    private mutating func end(_ id: Int32) {
        if sessions.removeValue(forKey: id) != nil { ended.append(id) }
    }

    private mutating func close(_ request: Request) {
        guard request.sessionID != 0, sessions[request.sessionID]?.principal == request.principal else { return }
        end(request.sessionID)
    }

    private mutating func open(_ request: Request, freshID: () -> Int32, now: MonotonicInstant) -> Plan {
        guard !request.items.isEmpty, makeRoom(for: request, now: now) else { return Plan(of: request.items) }
        var id = freshID()
        while id <= 0 || sessions[id] != nil { id = freshID() }
        let session = FetchSession(request, now: now)
        sessions[id] = session
        return Plan(sessionID: id, sessionEpoch: 1, items: session.dueItems, isIncremental: false)
    }

    private mutating func proceed(
        _ request: Request, marked: () -> [Int32], isAnother: Bool, now: MonotonicInstant
    ) throws(ReplicationError) -> Plan {
        guard let place = sessions.index(forKey: request.sessionID) else {
            throw ReplicationError(.fetchSessionIDNotFound)
        }
        // In its place: a copy would cost as much as the session has partitions.
        let plan = try sessions.values[place].proceed(request, marked: marked, isAnother: isAnother, now: now)
        guard sessions.values[place].count > 0 else {
            end(request.sessionID)
            return Plan(of: [])
        }
        return plan
    }

    /// Frees a slot for a new session: from one unused for long; else from a smaller consumer's that a follower's, or a
    /// larger session, has more right to.
    private mutating func makeRoom(for request: Request, now: MonotonicInstant) -> Bool {
        guard slots > 0 else { return false }
        guard sessions.count >= slots else { return true }
        let limit = FetchSessionCache.protectedMilliseconds
        let order = sessions.sorted { $0.key < $1.key }
        if let idle = order.min(by: { $0.value.lastUsed < $1.value.lastUsed }),
            now.milliseconds(since: idle.value.lastUsed) > limit
        {
            end(idle.key)
            return true
        }
        let weaker = order.filter { entry in
            !entry.value.isFollower && (request.isFollower || now.milliseconds(since: entry.value.opened) > limit)
        }
        guard let least = weaker.min(by: { $0.value.count < $1.value.count }),
            request.isFollower || least.value.count < request.items.count
        else { return false }
        end(least.key)
        return true
    }
}
