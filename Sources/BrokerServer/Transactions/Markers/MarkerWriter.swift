import Coordinators
import LogStorage
import Metadata
import Primitives
import WireMessages
import World

/// Writes the markers that end transactions into the partitions that this broker leads.
package final class MarkerWriter: Sendable {
    /// How long a marker may wait for its replicas before whoever wants it is told to come again.
    private static let timeoutMilliseconds: Int64 = 5_000

    private let table: PartitionTable
    private let groups: GroupCoordinatorHost
    private let loop: any Loop

    init(table: PartitionTable, groups: GroupCoordinatorHost, loop: any Loop) {
        self.table = table
        self.groups = groups
        self.loop = loop
    }

    /// Writes all markers of a request; `answered` hears of each partition, once all are decided.
    func write(
        _ request: WriteTxnMarkersRequest, answered: @escaping @Sendable (WriteTxnMarkersResponse) -> Void
    ) {
        var results: [ProduceInFlight.PartitionResult] = []
        for marker in request.markers {
            for (index, topic) in marker.topics.enumerated() {
                results += topic.partitionIndexes.map { .init(topic: index, partition: $0.value) }
            }
        }
        guard !results.isEmpty else { return answered(MarkerWriter.response(to: request, [])) }
        let inFlight = ProduceInFlight(results) { answered(MarkerWriter.response(to: request, $0)) }
        var slot = 0
        for marker in request.markers {
            let end = TransactionEnd(
                ProducerIdentity(marker.producerID, marker.producerEpoch), isCommit: marker.transactionResult,
                coordinatorEpoch: marker.coordinatorEpoch, hasOwnEpoch: marker.transactionVersion >= 2)
            for topic in marker.topics {
                for index in topic.partitionIndexes {
                    write(end, topic.name, index, inFlight, slot)
                    slot += 1
                }
            }
        }
        if inFlight.isWaiting {
            loop.schedule(afterMilliseconds: MarkerWriter.timeoutMilliseconds) { inFlight.timeOut() }
        }
    }

    private func write(
        _ end: TransactionEnd, _ topic: String, _ index: PartitionIndex, _ inFlight: ProduceInFlight, _ slot: Int
    ) {
        if topic == GroupCoordinatorHost.topicName {
            // The group coordinator has to know what its log says.
            return groups.endTransaction(end, in: index) { inFlight.resolve(slot: slot, $0.ofMarker) }
        }
        guard let partition = table.partition(topic, index) else {
            return inFlight.resolve(slot: slot, table.absence(topic, index).error)
        }
        partition.end(EndMarker(end), inFlight, slot: slot)
    }

    private static func response(
        to request: WriteTxnMarkersRequest, _ results: [ProduceInFlight.PartitionResult]
    ) -> WriteTxnMarkersResponse {
        var next = results.makeIterator()
        var response = WriteTxnMarkersResponse()
        response.markers = request.markers.map { marker in
            var answer = WriteTxnMarkersResponse.WritableTxnMarkerResult()
            answer.producerID = marker.producerID
            answer.topics = marker.topics.map { topic in
                var written = WriteTxnMarkersResponse.WritableTxnMarkerTopicResult()
                written.name = topic.name
                written.partitions = topic.partitionIndexes.map { index in
                    var partition = WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult()
                    partition.partitionIndex = index
                    partition.errorCode = next.next()?.error ?? .unknownServerError
                    return partition
                }
                return written
            }
            return answer
        }
        return response
    }
}

extension ErrorCode {
    /// Errors of a group coordinator, to one of transactions: it looks for the partition's leader.
    fileprivate var ofMarker: ErrorCode {
        switch self {
        case .notCoordinator, .coordinatorLoadInProgress, .coordinatorNotAvailable: .notLeaderOrFollower
        default: self
        }
    }
}
