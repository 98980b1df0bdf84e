import Metadata
package import Primitives
package import WireMessages

/// DescribeCluster (API key 60), v0–2; a tagged field tells who asks for it which process answers (see
/// `FailureDetector`).
///
/// Errors: MISMATCHED_ENDPOINT_TYPE; UNSUPPORTED_ENDPOINT_TYPE.
package struct DescribeClusterHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .all

    private static let brokers: Int8 = 1
    private static let controllers: Int8 = 2

    private let view: ClusterView
    private let incarnationID: UUID128
    private let leader: @Sendable () -> BrokerID?

    /// - Parameter incarnationID: that of this process, as the broker role registers with it.
    /// - Parameter leader: the active controller, as far as is known; may be called from any thread.
    package init(_ view: ClusterView, incarnationID: UUID128, leader: @escaping @Sendable () -> BrokerID?) {
        self.view = view
        self.incarnationID = incarnationID
        self.leader = leader
    }

    package func handle(
        _ request: DescribeClusterRequest, _ context: RequestContext, _ reply: Reply<DescribeClusterResponse>
    ) {
        var response = DescribeClusterResponse()
        response.endpointType = request.endpointType
        response.clusterID = view.clusterID
        if request.asksForLife {
            response.answeringNodeID = view.nodeID
            response.answeringIncarnationID = incarnationID
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        let expected =
            context.listener.kind == .client ? DescribeClusterHandler.brokers : DescribeClusterHandler.controllers
        let isKnown = [DescribeClusterHandler.brokers, DescribeClusterHandler.controllers]
            .contains(request.endpointType)
        // Version 0 can't say what it is about: each listener then tells of its own kind.
        let isMismatch = context.version >= 1 && request.endpointType != expected
        if !isKnown || isMismatch {
            response.errorCode = isKnown ? .mismatchedEndpointType : .unsupportedEndpointType
            response.errorMessage =
                isKnown
                ? "The request was sent to an endpoint of the wrong type." : "Unsupported endpoint type."
            return reply(response)
        }
        let moment = view.moment(listener: context.listener.name)
        if context.listener.kind == .client {
            response.controllerID = moment.namedController ?? BrokerID(-1)
            response.brokers = brokers(moment, includesFenced: request.includeFencedBrokers)
        } else {
            response.endpointType = DescribeClusterHandler.controllers
            response.controllerID = leader() ?? BrokerID(-1)
            response.brokers = controllers(moment)
        }
        reply(response)
    }

    private func brokers(
        _ moment: ClusterView.Moment, includesFenced: Bool
    ) -> [DescribeClusterResponse.DescribeClusterBroker] {
        moment.image.brokers.sorted.compactMap { broker in
            guard includesFenced || !broker.isFenced, let at = broker.listener(named: moment.listener) else {
                return nil
            }
            var described = DescribeClusterResponse.DescribeClusterBroker()
            described.brokerID = broker.id
            described.host = at.host
            described.port = Int32(at.port)
            described.rack = broker.rack
            described.isFenced = broker.isFenced
            return described
        }
    }

    private func controllers(_ moment: ClusterView.Moment) -> [DescribeClusterResponse.DescribeClusterBroker] {
        moment.image.controllers.sorted.compactMap { controller in
            guard let at = controller.listeners.first(where: { $0.name == moment.listener }) else { return nil }
            var described = DescribeClusterResponse.DescribeClusterBroker()
            described.brokerID = controller.id
            described.host = at.host
            described.port = Int32(at.port)
            return described
        }
    }
}
