package import Primitives
internal import OrderedCollections

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
        package var items: [FetchItem]
        /// Whether the answer may leave out partitions without news.
        package var isIncremental: Bool
        /// Where the items begin in the order of the session; they go on from its start behind its end.
        var turn = 0
    }

    /// The epoch of a request that opens a session.
    package static let initialEpoch: Int32 = 0
    /// The epoch of a request that wants none, and closes the one it names.
    package static let finalEpoch: Int32 = -1
    /// How long a session is safe from those with no greater right to a slot.
    package static let protectedMilliseconds: Int64 = 120_000

    private let slots: Int
    private var sessions: [Int32: FetchSession] = [:]

    package init(slots: Int) { self.slots = slots }

    package var count: Int { sessions.count }

    /// Sorts out what a request fetches.
    ///
    /// - Parameter freshID: a random positive number for a new session.
    /// - Errors: `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH`, `FETCH_SESSION_TOPIC_ID_ERROR`.
    package mutating func begin(
        _ request: Request, freshID: () -> Int32, now: MonotonicInstant
    ) throws(ReplicationError) -> Plan {
        switch request.sessionEpoch {
        case FetchSessionCache.finalEpoch:
            close(request)
            return Plan(sessionID: 0, sessionEpoch: 0, items: request.items, isIncremental: false)
        case FetchSessionCache.initialEpoch:
            close(request)
            let id = open(request, freshID: freshID, now: now)
            return Plan(sessionID: id, sessionEpoch: 1, items: request.items, isIncremental: false)
        default:
            return try proceed(request, now: now)
        }
    }

    /// Which of a plan's items a full or incremental answer has to name; remembers what it says of each.
    ///
    /// The partitions that carried records go to the end of the order, so that all get their turn.
    /// - Parameter news: what there is to say of each of the plan's items, in their order.
    package mutating func told(_ news: [FetchNews], plan: Plan) -> [Int] {
        guard plan.sessionID != 0, let place = sessions.index(forKey: plan.sessionID) else {
            return Array(news.indices)
        }
        let told = sessions.values[place].told(news, plan)
        return plan.isIncremental ? told ?? Array(news.indices) : Array(news.indices)
    }

    private mutating func close(_ request: Request) {
        guard request.sessionID != 0, sessions[request.sessionID]?.principal == request.principal else { return }
        sessions[request.sessionID] = nil
    }

    private mutating func open(_ request: Request, freshID: () -> Int32, now: MonotonicInstant) -> Int32 {
        guard !request.items.isEmpty, makeRoom(for: request, now: now) else { return 0 }
        var id = freshID()
        while id <= 0 || sessions[id] != nil { id = freshID() }
        sessions[id] = FetchSession(request, now: now)
        return id
    }

    private mutating func proceed(_ request: Request, now: MonotonicInstant) throws(ReplicationError) -> Plan {
        guard let place = sessions.index(forKey: request.sessionID) else {
            throw ReplicationError(.fetchSessionIDNotFound)
        }
        // In its place: a copy would cost as much as the session has partitions.
        let plan = try sessions.values[place].proceed(request, now: now)
        guard !plan.items.isEmpty else {
            sessions.remove(at: place)
            return Plan(sessionID: 0, sessionEpoch: 0, items: [], isIncremental: false)
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
            sessions[idle.key] = nil
            return true
        }
        let weaker = order.filter { entry in
            !entry.value.isFollower && (request.isFollower || now.milliseconds(since: entry.value.opened) > limit)
        }
        guard let least = weaker.min(by: { $0.value.count < $1.value.count }),
            request.isFollower || least.value.count < request.items.count
        else { return false }
        sessions[least.key] = nil
        return true
    }
}

/// One session: the partitions it watches and what their last answers said.
struct FetchSession: Sendable {
    private struct Watched {
        var wish: FetchWish
        var told: FetchNews?
    }

    let principal: String
    let isFollower: Bool
    let usesTopicIDs: Bool
    let opened: MonotonicInstant
    private(set) var lastUsed: MonotonicInstant
    private(set) var nextEpoch: Int32 = 1
    private var watched: OrderedDictionary<FetchKey, Watched> = [:]
    /// Where the next answer starts in the order of partitions.
    private(set) var turn = 0

    init(_ request: FetchSessionCache.Request, now: MonotonicInstant) {
        principal = request.principal
        isFollower = request.isFollower
        usesTopicIDs = request.usesTopicIDs
        opened = now
        lastUsed = now
        for item in request.items { watched[item.key] = Watched(wish: item.wish) }
    }

    var count: Int { watched.count }

    /// Epochs go from 1 to the greatest number, and then from 1 again.
    static func epoch(after epoch: Int32) -> Int32 { epoch == .max ? 1 : epoch + 1 }

    /// Takes the next request of the session, and says what it fetches.
    ///
    /// - Errors: those of `FetchSessionCache.begin`.
    mutating func proceed(
        _ request: FetchSessionCache.Request, now: MonotonicInstant
    ) throws(ReplicationError) -> FetchSessionCache.Plan {
        guard principal == request.principal else { throw ReplicationError(.fetchSessionIDNotFound) }
        guard nextEpoch == request.sessionEpoch else { throw ReplicationError(.invalidFetchSessionEpoch) }
        guard usesTopicIDs == request.usesTopicIDs else { throw ReplicationError(.fetchSessionTopicIDError) }
        update(request, now: now)
        return FetchSessionCache.Plan(
            sessionID: request.sessionID, sessionEpoch: request.sessionEpoch, items: itemsInTurn, isIncremental: true,
            turn: turn)
    }

    private mutating func update(_ request: FetchSessionCache.Request, now: MonotonicInstant) {
        lastUsed = now
        nextEpoch = FetchSession.epoch(after: nextEpoch)
        for item in request.items {
            if let index = watched.index(forKey: item.key) {
                watched.values[index].wish = item.wish
            } else {
                watched[item.key] = Watched(wish: item.wish)
            }
        }
        for key in request.forgotten {
            guard let index = watched.index(forKey: key) else { continue }
            watched.remove(at: index)
            if index < turn { turn -= 1 }
        }
        if turn >= watched.count { turn = 0 }
    }

    /// All that is watched, from the partition whose turn it is on.
    var itemsInTurn: [FetchItem] {
        var items: [FetchItem] = []
        items.reserveCapacity(watched.count)
        for index in turn..<watched.count { items.append(item(at: index)) }
        for index in 0..<turn { items.append(item(at: index)) }
        return items
    }

    private func item(at index: Int) -> FetchItem {
        FetchItem(key: watched.keys[index], wish: watched.values[index].wish)
    }

    /// Which of a plan's items an incremental answer has to name; nil when a newer request has come meanwhile (its
    /// client gave this one up), or the session is another one.
    mutating func told(_ news: [FetchNews], _ plan: FetchSessionCache.Plan) -> [Int]? {
        let expected = plan.isIncremental ? FetchSession.epoch(after: plan.sessionEpoch) : plan.sessionEpoch
        guard nextEpoch == expected, count == news.count else { return nil }
        return remember(news, from: plan.turn)
    }

    /// Remembers what is told of each partition, the first of `news` being that at `start` in the order; gives the
    /// places in `news` where there is something to tell, and moves the turn behind the last that carried anything.
    private mutating func remember(_ news: [FetchNews], from start: Int) -> [Int] {
        var told: [Int] = []
        var next = turn
        for place in news.indices {
            let index = (start + place) % watched.count
            guard remember(news[place], at: index) else { continue }
            told.append(place)
            if news[place].hasContent { next = index + 1 }
        }
        turn = next < watched.count ? next : 0
        return told
    }

    private mutating func remember(_ news: FetchNews, at index: Int) -> Bool {
        if let told = watched.values[index].told, !news.hasContent, news.error == .noError, told.error == news.error,
            told.highWatermark == news.highWatermark, told.logStart == news.logStart
        {
            return false
        }
        watched.values[index].told = news
        return true
    }
}
