import Coordinators
package import Metadata
package import Primitives
package import WireMessages

/// Tells which broker coordinates a group or a transactional id.
///
/// The empty group id is a group like others here: old "simple" consumers commit under it (KIP-289), nobody joins it.
///
/// - Errors: for each key COORDINATOR_NOT_AVAILABLE (the topic is being created, its
///   partition has no leader), INVALID_REQUEST (an unknown key type, or an empty transactional id).
/// - Source: KIP-699 (many keys).
/// - Not implemented: share groups (key type 2) are answered COORDINATOR_NOT_AVAILABLE.
package struct FindCoordinatorHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...6
    package static let listeners: ListenerKinds = .client

    private typealias Found = FindCoordinatorResponse.Coordinator

    private let image: @Sendable () -> MetadataImage
    private let isSuspected: @Sendable (BrokerID) -> Bool
    private let createTopic: @Sendable (String) -> Void

    /// - Parameter isSuspected: true for a broker that was found dead before the controller has said so.
    /// - Parameter createTopic: has a coordinator's topic created; called each time it is found missing.
    package init(
        image: @escaping @Sendable () -> MetadataImage,
        isSuspected: @escaping @Sendable (BrokerID) -> Bool, createTopic: @escaping @Sendable (String) -> Void
    ) {
        self.image = image
        self.isSuspected = isSuspected
        self.createTopic = createTopic
    }

    package func handle(
        _ request: FindCoordinatorRequest, _ context: RequestContext, _ reply: Reply<FindCoordinatorResponse>
    ) {
        let metadata = image()
        let listener = context.listener.name
        var response = FindCoordinatorResponse()
        if context.version >= 4 {
            response.coordinators = request.coordinatorKeys.map {
                find($0, type: request.keyType, metadata, listener)
            }
        } else {
            let found = find(request.key, type: request.keyType, metadata, listener)
            response.nodeID = found.nodeID
            response.host = found.host
            response.port = found.port
            response.errorCode = found.errorCode
            response.errorMessage = found.errorMessage
        }
        reply(response)
    }

    private func find(_ key: String, type: Int8, _ metadata: MetadataImage, _ listener: String) -> Found {
        var found = Found()
        found.key = key
        found.nodeID = BrokerID(-1)
        found.port = -1
        func failing(_ error: ErrorCode, _ message: String) -> Found {
            found.errorCode = error
            found.errorMessage = message
            return found
        }
        let topicName: String
        switch type {
        case 0: topicName = GroupCoordinatorHost.topicName
        case 1:
            if key.isEmpty { return failing(.invalidRequest, "A transactional id must not be empty.") }
            topicName = TransactionCoordinatorHost.topicName
        case 2: return failing(.coordinatorNotAvailable, "This broker does not coordinate share groups yet.")
        default: return failing(.invalidRequest, "There is no coordinator of type \(type).")
        }
        guard let topic = metadata.topics[name: topicName], !topic.partitions.isEmpty else {
            createTopic(topicName)
            return failing(.coordinatorNotAvailable, "The topic \(topicName) is being created.")
        }
        let index = CoordinatorPartition.index(of: key, among: Int32(topic.partitions.count))
        guard let leader = topic[index]?.leader, metadata.brokers.isUnfenced(leader), !isSuspected(leader),
            let endpoint = metadata.brokers[leader]?.listener(named: listener)
        else { return failing(.coordinatorNotAvailable, "The coordinator's partition has no leader at present.") }
        found.nodeID = leader
        found.host = endpoint.host
        found.port = Int32(endpoint.port)
        return found
    }
}
