package import Primitives
package import WireMessages

/// The markers that this node's coordinators owe to the leaders of partitions, until each is written: however often
/// leaders change meanwhile (rules 28 and 29).
///
/// One request is in flight to each broker; what is owed to it meanwhile goes into the next.
/// - Not thread-safe: it belongs to one loop.
package struct MarkerQueue: Sendable {
    /// Where a marker has to go.
    package enum Place: Hashable, Sendable {
        case leader(BrokerID)
        /// There is none at present.
        case nowhere
        /// The partition was deleted (KAFKA-5202): it needs no marker.
        case gone
    }

    /// What a step asks of the host, to be done in array order.
    package enum Effect: Hashable, Sendable {
        case send(WriteTxnMarkersRequest, to: BrokerID)
        /// Partitions have their marker, or need none.
        case written(ShardLeadership, MarkerOrder, [TransactionPartition])
    }

    private struct Job {
        let source: ShardLeadership
        let order: MarkerOrder
        var missing: Set<TransactionPartition>
        var asked: Set<TransactionPartition> = []
        /// What failed, until the next `wake`.
        var resting: Set<TransactionPartition> = []
    }

    /// Pause before what failed, or had no leader, is tried again.
    private static let retryMilliseconds: Int64 = 20
    /// Markers of different producers in one request.
    private static let markersMax = 1_000

    /// A transaction that a coordinator's partition is ending.
    private struct Ending: Hashable {
        let coordinator: PartitionIndex
        let transactionalID: String
    }

    private var jobs: [Int64: Job] = [:]
    /// The job of each transaction.
    private var jobOf: [Ending: Int64] = [:]
    private var nextJob: Int64 = 0
    /// What was asked of each broker in the request that is in flight to it.
    private var inFlight: [BrokerID: [(job: Int64, partitions: [TransactionPartition])]] = [:]

    /// When `wake` is to be called; nil while nothing waits but for answers.
    package private(set) var wakeAt: MonotonicInstant?

    package init() {}

    package var isEmpty: Bool { jobs.isEmpty }

    /// Takes an order. What the same coordinator partition gave for the id before is over.
    package mutating func add(
        _ order: MarkerOrder, from source: ShardLeadership, at now: MonotonicInstant,
        placeOf: (TransactionPartition) -> Place
    ) -> [Effect] {
        let ending = Ending(coordinator: source.partition, transactionalID: order.transactionalID)
        let id = nextJob
        nextJob += 1
        if let former = jobOf.updateValue(id, forKey: ending) { jobs[former] = nil }
        jobs[id] = Job(source: source, order: order, missing: Set(order.partitions))
        // Nothing has changed for the others: thousands may wait for brokers that have a request in flight.
        return dispatch([id], at: now, placeOf)
    }

    /// A coordinator has lost its partition: the next one sends what it finds in the log.
    package mutating func drop(_ partition: PartitionIndex) {
        for (id, job) in jobs where job.source.partition == partition { remove(id) }
    }

    /// Tries again what waits.
    package mutating func wake(
        at now: MonotonicInstant, placeOf: (TransactionPartition) -> Place
    ) -> [Effect] {
        wakeAt = nil
        for id in jobs.keys { jobs[id]?.resting = [] }
        return dispatch(jobs.keys.sorted(), at: now, placeOf)
    }

    /// A broker has answered, or could not be asked (nil).
    package mutating func answered(
        by broker: BrokerID, _ response: WriteTxnMarkersResponse?, at now: MonotonicInstant,
        placeOf: (TransactionPartition) -> Place
    ) -> [Effect] {
        guard let asked = inFlight.removeValue(forKey: broker) else { return [] }
        let errors = response.map { MarkerQueue.errors(of: $0) } ?? [:]
        var effects: [Effect] = []
        for (id, partitions) in asked {
            guard var job = jobs[id] else { continue }
            job.asked.subtract(partitions)
            var written: [TransactionPartition] = []
            var isFenced = false
            for partition in partitions {
                let answer = Answer(producer: job.order.producerID, partition: partition)
                let error = errors[answer] ?? .unknownServerError
                // A marker of an earlier life of the producer has nothing left to end there.
                if error == .noError || error == .invalidProducerEpoch {
                    written.append(partition)
                } else if error == .transactionCoordinatorFenced {
                    isFenced = true
                } else {
                    job.resting.insert(partition)
                    retry(at: now)
                }
            }
            job.missing.subtract(written)
            // Another coordinator has taken over: the transaction is its business.
            if isFenced || job.missing.isEmpty { remove(id) } else { jobs[id] = job }
            if !written.isEmpty { effects.append(.written(job.source, job.order, written)) }
        }
        return effects + dispatch(jobs.keys.sorted(), at: now, placeOf)
    }

    private mutating func remove(_ id: Int64) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        jobOf[Ending(coordinator: job.source.partition, transactionalID: job.order.transactionalID)] = nil
    }

    private struct Answer: Hashable {
        let producer: ProducerID
        let partition: TransactionPartition
    }

    private static func errors(of response: WriteTxnMarkersResponse) -> [Answer: ErrorCode] {
        var errors: [Answer: ErrorCode] = [:]
        for marker in response.markers {
            for topic in marker.topics {
                for result in topic.partitions {
                    let partition = TransactionPartition(topic: topic.name, index: result.partitionIndex)
                    errors[Answer(producer: marker.producerID, partition: partition)] = result.errorCode
                }
            }
        }
        return errors
    }

    private mutating func retry(at now: MonotonicInstant) {
        let instant = now.advanced(byMilliseconds: MarkerQueue.retryMilliseconds)
        wakeAt = min(wakeAt ?? instant, instant)
    }

    /// Sends what can be sent; what failed waits for `wakeAt`.
    private mutating func dispatch(
        _ ids: [Int64], at now: MonotonicInstant, _ placeOf: (TransactionPartition) -> Place
    ) -> [Effect] {
        if let wakeAt, wakeAt > now, jobs.isEmpty { self.wakeAt = nil }
        var effects: [Effect] = []
        var batches: [BrokerID: [(job: Int64, partitions: [TransactionPartition])]] = [:]
        for id in ids {
            guard var job = jobs[id] else { continue }
            var gone: [TransactionPartition] = []
            var byBroker: [BrokerID: [TransactionPartition]] = [:]
            for partition in job.missing.subtracting(job.asked).subtracting(job.resting).sorted() {
                switch placeOf(partition) {
                case .gone: gone.append(partition)
                case .nowhere: retry(at: now)
                case .leader(let broker):
                    if inFlight[broker] == nil { byBroker[broker, default: []].append(partition) }
                }
            }
            for (broker, partitions) in byBroker
            where batches[broker]?.count ?? 0 < MarkerQueue.markersMax {
                batches[broker, default: []].append((id, partitions))
                job.asked.formUnion(partitions)
            }
            job.missing.subtract(gone)
            if job.missing.isEmpty { remove(id) } else { jobs[id] = job }
            if !gone.isEmpty { effects.append(.written(job.source, job.order, gone)) }
        }
        for broker in batches.keys.sorted() {
            guard let batch = batches[broker] else { continue }
            inFlight[broker] = batch
            effects.append(.send(request(batch), to: broker))
        }
        return effects
    }

    private func request(
        _ batch: [(job: Int64, partitions: [TransactionPartition])]
    ) -> WriteTxnMarkersRequest {
        var request = WriteTxnMarkersRequest()
        for (id, partitions) in batch {
            guard let job = jobs[id] else { continue }
            var marker = WriteTxnMarkersRequest.WritableTxnMarker()
            marker.producerID = job.order.producerID
            marker.producerEpoch = job.order.producerEpoch
            marker.transactionResult = job.order.isCommit
            marker.coordinatorEpoch = job.source.epoch.value
            marker.transactionVersion = job.order.hasOwnEpoch ? 2 : 0
            for partition in partitions {
                if marker.topics.last?.name == partition.topic {
                    marker.topics[marker.topics.count - 1].partitionIndexes.append(partition.index)
                } else {
                    var topic = WriteTxnMarkersRequest.WritableTxnMarkerTopic()
                    topic.name = partition.topic
                    topic.partitionIndexes = [partition.index]
                    marker.topics.append(topic)
                }
            }
            request.markers.append(marker)
        }
        return request
    }
}
