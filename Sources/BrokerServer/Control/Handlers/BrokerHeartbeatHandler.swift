import Controller
import Metadata
import Primitives
package import WireMessages

/// BrokerHeartbeat (API key 63), v0–2; the tagged fields with recovery reports, vital signs and sightings of peers,
/// and with suspects in the answer, are Martlet's own.
///
/// Errors: those of `ClusterController.heartbeat`; NOT_CONTROLLER. Not built: cordoned directories.
package struct BrokerHeartbeatHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .controller

    private let controller: ControllerHost
    private let connections: HeartbeatConnections

    package init(_ controller: ControllerHost, _ connections: HeartbeatConnections) {
        self.controller = controller
        self.connections = connections
    }

    package func handle(
        _ request: BrokerHeartbeatRequest, _ context: RequestContext, _ reply: Reply<BrokerHeartbeatResponse>
    ) {
        connections.note(context.connection.id, request.brokerID, request.brokerEpoch)
        controller.decide { controller, next, now in
            controller.heartbeat(request, nextOffset: next, now: now)
        } answer: { response in
            reply(response ?? BrokerHeartbeatHandler.standby)
        }
        if let sightings = BrokerVitals(request)?.sightings, !sightings.isEmpty { controller.peersSeen(sightings) }
        if request.recoveredReplicas.isEmpty { return }
        let reports = request.recoveredReplicas.map(\.report)
        controller.decide { controller, next, now in
            controller.report(
                reports, from: request.brokerID, epoch: request.brokerEpoch, nextOffset: next, now: now)
        } answer: { _ in
        }
    }

    private static var standby: BrokerHeartbeatResponse {
        var response = BrokerHeartbeatResponse()
        response.errorCode = .notController
        return response
    }
}
