import LogStorage
import Primitives
import Replication
import Synchronization
import WireProtocol
import World

extension PartitionState {
    /// Ends a producer's transaction here by a marker; answered like a batch with acks=all. Where the log is held it
    /// waits its turn: a log on a slow disk may be held nearly always.
    mutating func end(_ item: Incoming, timeOfDay: Timestamp, now: MonotonicInstant, _ after: inout Aftermath) {
        guard let marker = item.marker else { preconditionFailure("a transaction is ended without a marker") }
        guard log != nil, let isOpen = leader?.hasEnoughInSync else {
            return refuse([item], leaderRefusal(requested: nil) ?? .notLeaderOrFollower, &after)
        }
        guard isOpen else { return refuse([item], .notEnoughReplicas, &after) }
        verifications.end(marker)
        if isHeld {
            hold([item], &after)
        } else if disk.handsOver {
            handOver([item], &after)
        } else {
            append([item], timeOfDay: timeOfDay, now: now, &after)
        }
    }

    // MARK: Whose transaction is open

    /// What is to be done before a batch of a transaction may be appended.
    mutating func admission(
        of producer: ProducerID, _ epoch: ProducerEpoch, sequence: Int32
    ) -> TransactionAdmission {
        // Who does not lead refuses it in the end.
        guard let leaderEpoch = leader?.leaderEpoch, !isOngoing(producer, epoch) else { return .open }
        return verifications.begin(producer, epoch, sequence: sequence, in: leaderEpoch)
    }

    /// Keeps out what no open transaction here, and no coordinator, vouches for.
    mutating func vouched(_ incoming: [Incoming], _ after: inout Aftermath) -> [Incoming] {
        guard leader != nil, incoming.contains(where: { $0.claim != nil }) else { return incoming }
        var kept: [Incoming] = []
        for item in incoming {
            if let error = refusal(of: item.claim) { refuse([item], error, &after) } else { kept.append(item) }
        }
        return kept
    }

    private func refusal(of claim: TransactionClaim?) -> ErrorCode? {
        guard let claim, !isOngoing(claim.producer, claim.epoch) else { return nil }
        let isKnown = log?.producers[claim.producer]?.epoch == claim.epoch
        return verifications.refusal(of: claim, in: leader?.leaderEpoch, isKnown: isKnown)
    }

    /// Whether a producer has a transaction open here that no marker is about to end.
    private func isOngoing(_ producer: ProducerID, _ epoch: ProducerEpoch) -> Bool {
        guard let known = log?.producers[producer], known.epoch == epoch, known.currentTransactionFirstOffset != nil
        else { return false }
        if errand?.endingProducers.contains(producer) ?? false { return false }
        return !(held?.contains { $0.marker?.producerID == producer } ?? false)
    }
}

extension [PartitionState.Incoming] {
    /// The markers among them, by their places.
    var markers: [Int: EndMarker] {
        var markers: [Int: EndMarker] = [:]
        for index in indices where self[index].marker != nil { markers[index] = self[index].marker }
        return markers
    }
}

extension Partition {
    /// Ends a producer's transaction here; `request` is told in `slot` once the marker is committed, or why it is not.
    func end(_ marker: EndMarker, _ request: ProduceInFlight, slot: Int) {
        let (now, timeOfDay) = (services.clock.now, services.clock.timeOfDay)
        let isControllerLost = services.contact.isLost(now: now)
        let item = PartitionState.Incoming(
            batch: marker.batch(now: timeOfDay), request: request, slot: slot, waitsForReplicas: true, marker: marker)
        step { state, after in
            if isControllerLost, state.isCutOff(services.contact, now: now) {
                // Before the append: what is appended by a leader that is cut off may be cut away again.
                return state.refuse([item], .notLeaderOrFollower, &after)
            }
            state.end(item, timeOfDay: timeOfDay, now: now, &after)
        }
    }

    /// What is to be done before a batch of a transaction may be appended.
    func admission(of producer: ProducerID, _ epoch: ProducerEpoch, sequence: Int32) -> TransactionAdmission {
        state.withLock { $0.admission(of: producer, epoch, sequence: sequence) }
    }

    /// The coordinator of a producer's transaction has agreed to what it was asked.
    func verified(_ producer: ProducerID, _ number: UInt64) {
        state.withLock { $0.verifications.verified(producer, number) }
    }

    /// The producers that the log knows; nil while there is no log to ask.
    var producers: ProducerStates? { state.withLock { $0.log?.producers } }
}
