import Primitives

/// One session: its partitions, what their last answers said, and which of them are to be looked at.
///
/// A partition is due from its first fetch, from a request that names it, or from an event at it (a mark), until a look
/// at it finds nothing more to say. What is not due costs nothing: neither when a request comes nor while it waits.
///
/// - Invariant: `due` holds each live slot at most once, exactly those with `isDue`.
struct FetchSession: Sendable {
    private struct Slot {
        var key: FetchKey
        var wish: FetchWish
        var told: FetchNews?
        var isDue = false
        /// The number of the last request that named it.
        var namedIn: UInt64
        /// False once it is forgotten; another partition may take the slot then.
        var isLive = true
    }

    let principal: String
    let isFollower: Bool
    let usesTopicIDs: Bool
    let opened: MonotonicInstant
    private(set) var lastUsed: MonotonicInstant
    private(set) var nextEpoch: Int32 = 1
    /// How many requests it had after its first.
    private var requests: UInt64 = 0
    private var slots: [Slot] = []
    private var places: [FetchKey: Int32] = [:]
    private var free: [Int32] = []
    /// In the order of their turns.
    private var due: [Int32] = []

    init(_ request: FetchSessionCache.Request, now: MonotonicInstant) {
        principal = request.principal
        isFollower = request.isFollower
        usesTopicIDs = request.usesTopicIDs
        opened = now
        lastUsed = now
        slots.reserveCapacity(request.items.count)
        places.reserveCapacity(request.items.count)
        for item in request.items { name(item) }
    }

    var count: Int { places.count }

    /// Epochs go from 1 to the greatest number, and then from 1 again.
    static func epoch(after epoch: Int32) -> Int32 { epoch == .max ? 1 : epoch + 1 }

    /// Takes the next request of the session, and says what it has to look at.
    ///
    /// - Errors: those of `FetchSessionCache.begin`.
    mutating func proceed(
        _ request: FetchSessionCache.Request, marked: () -> [Int32], isAnother: Bool, now: MonotonicInstant
    ) throws(ReplicationError) -> FetchSessionCache.Plan {
        guard principal == request.principal else { throw ReplicationError(.fetchSessionIDNotFound) }
        guard nextEpoch == request.sessionEpoch else { throw ReplicationError(.invalidFetchSessionEpoch) }
        guard usesTopicIDs == request.usesTopicIDs else { throw ReplicationError(.fetchSessionTopicIDError) }
        lastUsed = now
        nextEpoch = FetchSession.epoch(after: nextEpoch)
        requests += 1
        // Marks are older than what is forgotten here: a slot is not given away before they are taken.
        mark(marked())
        let released = forget(request.forgotten)
        for item in request.items { name(item) }
        if isAnother { markAll() }
        return FetchSessionCache.Plan(
            sessionID: request.sessionID, sessionEpoch: request.sessionEpoch, items: dueItems, isIncremental: true,
            released: released)
    }

    /// All that is to be looked at, in turn.
    var dueItems: [DueFetch] { due.map { dueItem($0) } }

    private func dueItem(_ place: Int32) -> DueFetch {
        let slot = slots[Int(place)]
        return DueFetch(key: slot.key, wish: slot.wish, slot: place, isNamed: slot.namedIn == requests)
    }

    private mutating func name(_ item: FetchItem) {
        if let place = places[item.key] {
            slots[Int(place)].wish = item.wish
            slots[Int(place)].namedIn = requests
            // It may have had no use for what it was told: its replica paused, or was assigned anew.
            if isFollower { slots[Int(place)].told = nil }
            return mark(place)
        }
        let slot = Slot(key: item.key, wish: item.wish, namedIn: requests)
        let place: Int32
        if let known = free.popLast() {
            place = known
            slots[Int(place)] = slot
        } else {
            place = Int32(slots.count)
            slots.append(slot)
        }
        places[item.key] = place
        mark(place)
    }

    /// - Returns: the slots that were given up.
    private mutating func forget(_ keys: [FetchKey]) -> [Int32] {
        guard !keys.isEmpty else { return [] }
        var released: [Int32] = []
        for key in keys {
            guard let place = places.removeValue(forKey: key) else { continue }
            slots[Int(place)].isLive = false
            slots[Int(place)].isDue = false
            released.append(place)
        }
        due.removeAll { !slots[Int($0)].isDue }
        free += released
        return released
    }

    private mutating func mark(_ marked: [Int32]) { for place in marked { mark(place) } }

    private mutating func mark(_ place: Int32) {
        guard slots[Int(place)].isLive, !slots[Int(place)].isDue else { return }
        slots[Int(place)].isDue = true
        due.append(place)
    }

    private mutating func markAll() { for place in slots.indices { mark(Int32(place)) } }

    /// Whether a plan is of the newest request: else its client has given it up, or the session is another one.
    private func isCurrent(_ plan: FetchSessionCache.Plan) -> Bool {
        nextEpoch == (plan.isIncremental ? FetchSession.epoch(after: plan.sessionEpoch) : plan.sessionEpoch)
    }

    mutating func join(_ marked: () -> [Int32], to plan: inout FetchSessionCache.Plan) -> Bool {
        // What is marked is the newer request's to take, if there is one.
        guard isCurrent(plan) else { return false }
        let known = due.count
        mark(marked())
        for place in due[known...] { plan.items.append(dueItem(place)) }
        return true
    }

    /// Which of a plan's items an incremental answer has to name; nil when the plan is not of the newest request.
    mutating func told(_ news: [FetchNews?], _ plan: FetchSessionCache.Plan) -> [Int]? {
        guard isCurrent(plan), news.count == plan.items.count else { return nil }
        var told: [Int] = []
        for (index, news) in news.enumerated() {
            guard let news else { continue }
            let place = Int(plan.items[index].slot)
            if remember(news, at: place) { told.append(index) }
            if news.isSettled || news.hasContent { slots[place].isDue = false }
        }
        due.removeAll { !slots[Int($0)].isDue }
        // There may be more behind what was given now: it is due again, behind all others.
        for (index, news) in news.enumerated() {
            if let news, news.hasContent { mark(plan.items[index].slot) }
        }
        return told
    }

    private mutating func remember(_ news: FetchNews, at place: Int) -> Bool {
        if let told = slots[place].told, !news.hasContent, news.error == .noError, told.error == news.error,
            told.highWatermark == news.highWatermark, told.logStart == news.logStart
        {
            return false
        }
        slots[place].told = news
        return true
    }
}
