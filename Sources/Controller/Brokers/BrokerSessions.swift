package import Primitives

/// When each broker was last heard, and how far it is: liveness, which no other controller inherits.
package struct BrokerSessions: Sendable {
    private struct Session {
        var epoch: BrokerEpoch
        var lastContact: MonotonicInstant
        /// When its last heartbeat to this controller came; nil before the first.
        var lastHeartbeat: MonotonicInstant?
        /// When there was last a reason to take it for alive, or this controller began.
        var lastSeen: MonotonicInstant
        /// The last metadata offset that the broker applied, inclusive; nil before it said so.
        var metadataOffset: Offset?
        /// Exclusive: it has reported on all recoveries that the metadata below tells of; nil where it does not say.
        var recoveriesToldEnd: Offset?
        /// The exclusive end of the records that took its leaderships away.
        var controlledShutdownEnd: Offset?
        /// Exclusive: the log's end when it was first heard while it was fenced; the fencing stands below.
        var fencedEnd: Offset?
    }

    private var byBroker: [BrokerID: Session] = [:]

    package init() {}

    /// Begins the session of a broker's life.
    package mutating func start(_ broker: BrokerID, epoch: BrokerEpoch, now: MonotonicInstant) {
        if byBroker[broker]?.epoch == epoch {
            byBroker[broker]!.lastContact = now
            byBroker[broker]!.lastSeen = now
        } else {
            byBroker[broker] = Session(epoch: epoch, lastContact: now, lastSeen: now)
        }
    }

    /// The session of a broker is over.
    package mutating func end(_ broker: BrokerID) { byBroker[broker] = nil }

    /// A heartbeat came; one of another life of the broker is not noted.
    package mutating func noteHeartbeat(
        _ broker: BrokerID, epoch: BrokerEpoch, metadataOffset: Offset, recoveriesToldEnd: Offset? = nil,
        now: MonotonicInstant
    ) {
        guard byBroker[broker]?.epoch == epoch else { return }
        byBroker[broker]!.lastContact = now
        byBroker[broker]!.lastHeartbeat = now
        byBroker[broker]!.lastSeen = now
        byBroker[broker]!.metadataOffset = metadataOffset
        byBroker[broker]!.recoveriesToldEnd = recoveriesToldEnd
    }

    /// Gives every broker more time: this process could not listen for a while.
    package mutating func extend(byMilliseconds count: Int64) {
        for broker in byBroker.keys {
            byBroker[broker]!.lastContact = byBroker[broker]!.lastContact.advanced(byMilliseconds: count)
        }
    }

    /// A broker's leaderships were moved; `end` is the exclusive end of the records that did it.
    package mutating func noteControlledShutdown(_ broker: BrokerID, end: Offset) {
        guard byBroker[broker]?.controlledShutdownEnd == nil else { return }
        byBroker[broker]?.controlledShutdownEnd = end
    }

    /// A fenced broker was heard.
    ///
    /// - Returns: whether it has applied all that was in the log, which ends at `end`, when it was first heard since it
    ///   was fenced: so it knows of that, and leads nothing any more that was given to others.
    mutating func noteFenced(_ broker: BrokerID, end: Offset) -> Bool {
        guard let session = byBroker[broker], let applied = session.metadataOffset else { return false }
        let fencedEnd = session.fencedEnd ?? end
        byBroker[broker]!.fencedEnd = fencedEnd
        return applied + 1 >= fencedEnd
    }

    mutating func noteUnfenced(_ broker: BrokerID) { byBroker[broker]?.fencedEnd = nil }

    /// When a broker's last heartbeat to this controller came; nil before the first.
    package func lastHeartbeat(_ broker: BrokerID) -> MonotonicInstant? { byBroker[broker]?.lastHeartbeat }

    /// When there was last a reason to take a broker for alive, or this controller began; nil for one that it does not
    /// know.
    func lastSeen(_ broker: BrokerID) -> MonotonicInstant? { byBroker[broker]?.lastSeen }

    func controlledShutdownEnd(_ broker: BrokerID) -> Offset? { byBroker[broker]?.controlledShutdownEnd }

    func metadataOffset(_ broker: BrokerID) -> Offset? { byBroker[broker]?.metadataOffset }

    /// Exclusive: the broker had its say on all recoveries that the metadata below tells of; nil before it did.
    func recoveriesToldEnd(_ broker: BrokerID) -> Offset? {
        guard let session = byBroker[broker] else { return nil }
        return session.recoveriesToldEnd ?? session.metadataOffset.map { $0 + 1 }
    }

    /// Whether a broker was heard within the timeout.
    func isValid(_ broker: BrokerID, now: MonotonicInstant, timeoutMilliseconds: Int64) -> Bool {
        guard let session = byBroker[broker] else { return false }
        return now < session.lastContact.advanced(byMilliseconds: timeoutMilliseconds)
    }
}
