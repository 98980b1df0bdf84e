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
    private var wanted: OrderedDictionary<FetchKey, FetchWish> = [:]
    /// What changed since the last request.
    private var changed: OrderedSet<FetchKey> = []
    private var dropped: OrderedSet<FetchKey> = []
    /// What the other side watches.
    private var known: Set<FetchKey> = []

    package init() {}

    package var isEmpty: Bool { wanted.isEmpty }

    /// Watches a partition, or moves its position.
    package mutating func set(_ key: FetchKey, _ wish: FetchWish) {
        guard wanted[key] != wish else { return }
        wanted[key] = wish
        changed.append(key)
        dropped.remove(key)
    }

    /// Forgets a partition.
    package mutating func remove(_ key: FetchKey) {
        guard wanted.removeValue(forKey: key) != nil else { return }
        changed.remove(key)
        if known.contains(key) { dropped.append(key) }
    }

    /// The next request.
    package mutating func next() -> Plan {
        let isFull = nextEpoch == FetchSessionCache.initialEpoch
        let keys = isFull ? Array(wanted.keys) : Array(changed)
        let items = keys.compactMap { key in wanted[key].map { FetchItem(key: key, wish: $0) } }
        let plan = Plan(
            sessionID: sessionID, sessionEpoch: nextEpoch, items: items, forgotten: isFull ? [] : Array(dropped),
            watchesNothing: wanted.isEmpty)
        if isFull { known = [] }
        known.formUnion(keys)
        known.subtract(dropped)
        changed = []
        dropped = []
        return plan
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
        known = []
        changed = []
        dropped = []
    }
}
