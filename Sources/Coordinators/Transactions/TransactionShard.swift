package import Primitives

#if MUTANTS
    import Mutants
#endif

/// The transactional ids of one partition of `__transaction_state`, on the broker that leads it.
///
/// Decide, then replay: a request is decided from the present state, and changes it by records alone. While a record
/// of an id is not committed, nothing else is decided for that id (CONCURRENT_TRANSACTIONS, with which clients come
/// again at once), but that its next transaction may begin behind the record that ends the one before.
///
/// - Not thread-safe: the host has one lock for each shard.
package struct TransactionShard: CoordinatorShard {
    /// See `CoordinatorShard`.
    package typealias Settings = TransactionConfiguration
    /// See `CoordinatorShard`.
    package typealias Image = TransactionImage
    /// See `CoordinatorShard`.
    package typealias Reply = TransactionReply
    /// Its markers.
    package typealias Order = MarkerOrder

    package static let topicName = "__transaction_state"

    /// A decided transaction whose markers are on their way. Keyed by its epoch as well as its id: what is late of
    /// another transaction says nothing about this one (KAFKA-16352).
    struct Ending: Hashable, Sendable {
        let producerID: ProducerID
        let producerEpoch: ProducerEpoch
        var missing: Set<TransactionPartition>
    }

    let settings: TransactionConfiguration
    var line: WriteLine<TransactionImage, WaitingReply>
    /// The write of each id that is not committed yet.
    var underWay: [String: WriteID] = [:]
    var endings: [String: Ending] = [:]
    var durableEnds = DurableEnds()
    /// When each open transaction is aborted. By the monotonic clock: a jump of the other one aborts nobody (fault
    /// F28).
    var deadlines: [String: MonotonicInstant] = [:]
    var timeoutCheckAt: MonotonicInstant
    var expiryCheckAt: MonotonicInstant
    /// When the records that end transactions are tried again; nil while none is owed.
    var completionRetryAt: MonotonicInstant?

    /// Starts a shard from the replayed log. `start` is to be called next.
    package init(settings: TransactionConfiguration, loaded image: TransactionImage, at time: CoordinatorTime) {
        self.settings = settings
        line = WriteLine(loaded: image)
        timeoutCheckAt = time.now.advanced(byMilliseconds: settings.timeoutCheckIntervalMilliseconds)
        expiryCheckAt = time.now.advanced(byMilliseconds: settings.expiryCheckIntervalMilliseconds)
        for id in image.ids {
            guard let stored = image[id], stored.state == .ongoing else { continue }
            let timeout = Int64(stored.timeoutMilliseconds)
            let age = time.timeOfDay.value.subtractingReportingOverflow(stored.startTimestamp?.value ?? .min)
            let left = age.overflow ? 0 : min(max(timeout - age.partialValue, 0), timeout)
            deadlines[id] = time.now.advanced(byMilliseconds: left)
        }
    }

    /// A marker for a partition that is gone is left out when it is to be sent (KAFKA-5202).
    package mutating func topicsDeleted(_ topics: Set<String>, at time: CoordinatorTime) -> [TransactionEffect] { [] }

    /// Rule 28: what was decided before is carried on with.
    package mutating func start(at time: CoordinatorTime) -> [TransactionEffect] {
        #if MUTANTS
            if Mutant.decidedForgotten.isOn { return [] }
        #endif
        return image.ids(where: { $0.state.isPrepared }).flatMap { sendMarkers(of: $0, at: time) }
    }

    /// The state with all records that were appended.
    package var image: TransactionImage { line.image }
    /// The state at the high watermark: what reads see.
    package var committedImage: TransactionImage { line.committedImage }

    package var nextDeadline: MonotonicInstant {
        var earliest = min(timeoutCheckAt, expiryCheckAt)
        if let completionRetryAt { earliest = min(earliest, completionRetryAt) }
        if let late = line.nextDeadline { earliest = min(earliest, late) }
        if let late = durableEnds.nextDeadline { earliest = min(earliest, late) }
        return earliest
    }

    // MARK: Ending

    /// Begins to write the markers of a decided transaction.
    mutating func sendMarkers(of id: String, at time: CoordinatorTime) -> [TransactionEffect] {
        guard let stored = image[id], stored.state.isPrepared else { return [] }
        endings[id] = Ending(
            producerID: stored.producerID, producerEpoch: stored.producerEpoch, missing: stored.partitions)
        if stored.partitions.isEmpty { return complete(id, at: time) }
        let order = MarkerOrder(
            transactionalID: id, producerID: stored.producerID, producerEpoch: stored.producerEpoch,
            isCommit: stored.state == .prepareCommit, hasOwnEpoch: stored.hasOwnEpochs,
            partitions: stored.partitions.sorted())
        return [.order(order)]
    }

    /// Partitions have the marker, or are gone for good.
    ///
    /// - Parameter order: as it was given out; what belongs to another transaction is ignored.
    package mutating func markersWritten(
        _ order: MarkerOrder, _ partitions: [TransactionPartition], at time: CoordinatorTime
    ) -> [TransactionEffect] {
        let id = order.transactionalID
        guard var ending = endings[id], ending.producerID == order.producerID,
            ending.producerEpoch == order.producerEpoch, !ending.missing.isEmpty
        else { return [] }
        ending.missing.subtract(partitions)
        #if MUTANTS
            if Mutant.completeEarly.isOn { ending.missing = [] }
        #endif
        endings[id] = ending
        return ending.missing.isEmpty ? complete(id, at: time) : []
    }

    /// Writes that the transaction is over: every partition has its marker.
    mutating func complete(_ id: String, at time: CoordinatorTime) -> [TransactionEffect] {
        guard underWay[id] == nil, var stored = image[id], stored.state.isPrepared else { return [] }
        stored.state = stored.state == .prepareCommit ? .completeCommit : .completeAbort
        stored.partitions = []
        stored.updateTimestamp = time.timeOfDay
        if let next = stored.nextProducerID {
            stored.previousProducerID = stored.producerID
            stored.producerID = next
            stored.nextProducerID = nil
            stored.producerEpoch = ProducerEpoch(0)
        }
        let completion = decide([TransactionRecord(id, stored)], at: time)
        return [completion] + (durableEnds.take(id).map { [.reply($0.ticket, $0.reply)] } ?? [])
    }
}
