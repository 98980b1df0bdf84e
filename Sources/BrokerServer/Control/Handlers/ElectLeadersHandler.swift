import Controller
import Metadata
import Primitives
package import WireMessages

/// ElectLeaders (API key 43), v0–2.
///
/// Errors: those of `ClusterController.electLeaders`; NOT_CONTROLLER.
package struct ElectLeadersHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(_ request: ElectLeadersRequest, _ context: RequestContext, _ reply: Reply<ElectLeadersResponse>)
    {
        let standby = ElectLeadersHandler.standby(request, context.version)
        route.serve(context, reply, standby: standby) { controller, _, _ in controller.electLeaders(request) }
    }

    /// Version 0 has no error of the whole: it stands with each partition, too.
    private static func standby(_ request: ElectLeadersRequest, _ version: Int16) -> ElectLeadersResponse {
        var response = ElectLeadersResponse()
        if version > 0 { response.errorCode = .notController }
        response.replicaElectionResults = (request.topicPartitions ?? []).map { topic in
            var answer = ElectLeadersResponse.ReplicaElectionResult()
            answer.topic = topic.topic
            answer.partitionResult = topic.partitions.map { index in
                var result = ElectLeadersResponse.PartitionResult()
                result.partitionID = index
                result.errorCode = .notController
                return result
            }
            return answer
        }
        return response
    }
}
