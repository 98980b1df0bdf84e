import LogStorage
import Primitives
import Replication
import Synchronization
import World

extension PartitionState {
    /// Ends a producer's transaction here by a marker; answered like a batch with acks=all.
    ///
    /// - Errors: those of an append, TRANSACTION_COORDINATOR_FENCED, INVALID_PRODUCER_EPOCH.
    mutating func end(
        _ marker: EndMarker, _ request: ProduceInFlight, slot: Int, timeOfDay: Timestamp, now: MonotonicInstant,
        _ after: inout Aftermath
    ) {
        let item = Incoming(batch: .empty, request: request, slot: slot, waitsForReplicas: true)
        guard log != nil, let epoch = leader?.leaderEpoch, let isOpen = leader?.hasEnoughInSync else {
            return refuse([item], leaderRefusal(requested: nil) ?? .notLeaderOrFollower, &after)
        }
        // A held log goes on in a moment; whoever ends transactions comes again.
        guard isOpen, !isHeld else { return refuse([item], .notEnoughReplicas, &after) }
        hearFollowers()
        do throws(StorageError) {
            guard let outcome = try log?.append(marker, epoch: epoch, now: timeOfDay) else { return }
            appended([item], [outcome], now: now, &after)
        } catch {
            refuse([item], .kafkaStorageError, &after)
            logFailed(error, &after)
        }
    }
}

extension Partition {
    /// Ends a producer's transaction here; `request` is told in `slot` once the marker is committed, or why it is not.
    func end(_ marker: EndMarker, _ request: ProduceInFlight, slot: Int) {
        let (now, timeOfDay) = (services.clock.now, services.clock.timeOfDay)
        let isControllerLost = services.contact.isLost(now: now)
        step { state, after in
            if isControllerLost, state.isCutOff(services.contact, now: now) {
                // Before the append: what is appended by a leader that is cut off may be cut away again.
                let item = PartitionState.Incoming(batch: .empty, request: request, slot: slot, waitsForReplicas: true)
                return state.refuse([item], .notLeaderOrFollower, &after)
            }
            state.end(marker, request, slot: slot, timeOfDay: timeOfDay, now: now, &after)
        }
    }

    /// The producers that the log knows; nil while there is no log to ask.
    var producers: ProducerStates? { state.withLock { $0.log?.producers } }
}
