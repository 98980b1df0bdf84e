package import Primitives
internal import OrderedCollections

/// The fetching side of a session: says what a request has to carry, given what the other side already knows.
///
/// - Source: KIP-227.
package struct FetchSessionBuilder: Sendable {
    /// The session part of one request.
    package struct Plan: Hashable, Sendable {
        package var sessionID: Int32
        package var sessionEpoch: Int32
        package var items: [FetchItem]
        package var forgotten: [FetchKey]
        /// Whether nothing is watched at all, so that the request may as well not be sent.
        package var watchesNothing: Bool
    }

    private var sessionID: Int32 = 0
    private var nextEpoch = FetchSessionCache.initialEpoch
    private var wanted: OrderedDictionary<FetchKey, Wanted> = [:]
    /// What changed since the last request; all of it is wanted.
    private var changed: OrderedSet<FetchKey> = []
    /// What the other side watches and is not wanted any more.
    private var dropped: OrderedSet<FetchKey> = []

    private struct Wanted {
        var wish: FetchWish
        /// Whether the other side watches it.
        var isKnown = false
    }

    package init() {}

    package var isEmpty: Bool { wanted.isEmpty }

    /// Watches a partition, or moves its position.
    package mutating func set(_ key: FetchKey, _ wish: FetchWish) {
        if let place = wanted.index(forKey: key) {
            guard wanted.values[place].wish != wish else { return }
            wanted.values[place].wish = wish
        } else {
            wanted[key] = Wanted(wish: wish, isKnown: dropped.remove(key) != nil)
        }
        changed.append(key)
    }

    /// Forgets a partition.
    package mutating func remove(_ key: FetchKey) {
        guard let removed = wanted.removeValue(forKey: key) else { return }
        changed.remove(key)
        if removed.isKnown { dropped.append(key) }
    }

    /// The next request.
    package mutating func next() -> Plan {
        let isFull = nextEpoch == FetchSessionCache.initialEpoch
        var plan = Plan(
            sessionID: sessionID, sessionEpoch: nextEpoch, items: [], forgotten: isFull ? [] : Array(dropped),
            watchesNothing: wanted.isEmpty)
        plan.items.reserveCapacity(isFull ? wanted.count : changed.count)
        if isFull {
            for place in wanted.values.indices { tell(place, &plan) }
        } else {
            for key in changed { if let place = wanted.index(forKey: key) { tell(place, &plan) } }
        }
        changed.removeAll(keepingCapacity: true)
        dropped.removeAll(keepingCapacity: true)
        return plan
    }

    private mutating func tell(_ place: Int, _ plan: inout Plan) {
        plan.items.append(FetchItem(key: wanted.keys[place], wish: wanted.values[place].wish))
        wanted.values[place].isKnown = true
    }

    /// A good answer came, naming the session that it belongs to (0 when the other side keeps none).
    package mutating func answered(sessionID answered: Int32) {
        guard answered != 0 else {
            reset()
            return
        }
        sessionID = answered
        nextEpoch = FetchSession.epoch(after: nextEpoch)
    }

    /// The request failed or was refused: the next one starts a new session with everything.
    package mutating func failed(_ error: ErrorCode?) {
        let old = error == .fetchSessionIDNotFound ? 0 : sessionID
        reset()
        sessionID = old
    }

    private mutating func reset() {
        sessionID = 0
        nextEpoch = FetchSessionCache.initialEpoch
        for place in wanted.values.indices { wanted.values[place].isKnown = false }
        changed = []
        dropped = []
    }
}
