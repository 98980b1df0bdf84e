package import Primitives

/// The fetching side of a session: says what a request has to carry, given what the other side already knows.
///
/// A request costs as much as there is to say in it, however many partitions the session has.
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
    /// All that is wanted, and what the other side has still to be told to forget.
    private var places: [FetchKey: Int] = [:]
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var wanted = 0
    /// What changed since the last request, once or more often; those with `isChanged` are meant.
    private var changed: [Int] = []
    /// What the other side watches and was not wanted any more; may be wanted again.
    private var dropped: [Int] = []

    private struct Slot {
        var key: FetchKey
        var wish: FetchWish
        var isWanted = true
        var isChanged = false
        /// Whether the other side watches it.
        var isKnown = false
    }

    package init() {}

    package var isEmpty: Bool { wanted == 0 }

    /// Watches a partition, or moves its position.
    package mutating func set(_ key: FetchKey, _ wish: FetchWish) {
        guard let place = places[key] else { return change(add(Slot(key: key, wish: wish))) }
        if slots[place].isWanted, slots[place].wish == wish { return }
        if !slots[place].isWanted {
            slots[place].isWanted = true
            wanted += 1
        }
        slots[place].wish = wish
        change(place)
    }

    private mutating func add(_ slot: Slot) -> Int {
        wanted += 1
        let place = free.popLast() ?? slots.count
        if place == slots.count { slots.append(slot) } else { slots[place] = slot }
        places[slot.key] = place
        return place
    }

    private mutating func change(_ place: Int) {
        guard !slots[place].isChanged else { return }
        slots[place].isChanged = true
        changed.append(place)
    }

    /// Forgets a partition.
    package mutating func remove(_ key: FetchKey) {
        guard let place = places[key], slots[place].isWanted else { return }
        slots[place].isWanted = false
        slots[place].isChanged = false
        wanted -= 1
        if slots[place].isKnown { dropped.append(place) } else { giveUp(place) }
    }

    private mutating func giveUp(_ place: Int) {
        places[slots[place].key] = nil
        free.append(place)
    }

    /// The next request.
    package mutating func next() -> Plan {
        let isFull = nextEpoch == FetchSessionCache.initialEpoch
        var plan = Plan(
            sessionID: sessionID, sessionEpoch: nextEpoch, items: [], forgotten: [], watchesNothing: wanted == 0)
        for place in dropped where !slots[place].isWanted && slots[place].isKnown {
            if !isFull { plan.forgotten.append(slots[place].key) }
            slots[place].isKnown = false
            giveUp(place)
        }
        if isFull {
            plan.items.reserveCapacity(wanted)
            for place in slots.indices where places[slots[place].key] == place { tell(place, &plan) }
        } else {
            plan.items.reserveCapacity(changed.count)
            for place in changed where slots[place].isChanged { tell(place, &plan) }
        }
        changed.removeAll(keepingCapacity: !isFull)
        dropped.removeAll()
        return plan
    }

    private mutating func tell(_ place: Int, _ plan: inout Plan) {
        plan.items.append(FetchItem(key: slots[place].key, wish: slots[place].wish))
        slots[place].isChanged = false
        slots[place].isKnown = true
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
        for place in dropped where !slots[place].isWanted && slots[place].isKnown {
            slots[place].isKnown = false
            giveUp(place)
        }
        for place in slots.indices {
            slots[place].isKnown = false
            slots[place].isChanged = false
        }
        changed = []
        dropped = []
    }
}
