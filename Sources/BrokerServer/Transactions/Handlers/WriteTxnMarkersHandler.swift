import Primitives
package import WireMessages

/// Ends transactions in the partitions that this broker leads, for their coordinators.
///
/// - Errors: for each partition UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS,
///   NOT_ENOUGH_REPLICAS_AFTER_APPEND, TRANSACTION_COORDINATOR_FENCED, INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR.
/// - Source: KIP-98, KIP-890 (version 2 tells of epochs of their own).
package struct WriteTxnMarkersHandler: RequestHandler {
    package static let versions = WriteTxnMarkersRequest.versions
    package static let listeners: ListenerKinds = .client

    private let markers: MarkerWriter

    package init(_ markers: MarkerWriter) { self.markers = markers }

    package func handle(
        _ request: WriteTxnMarkersRequest, _ context: RequestContext, _ reply: Reply<WriteTxnMarkersResponse>
    ) {
        markers.write(request) { reply($0) }
    }
}
