import Controller
import Metadata
import Primitives
import WireProtocol

/// The way of an administrative request: from a client's listener to the active controller, on a controller's listener
/// into the decision.
package struct AdminRoute: Sendable {
    private let forwarder: RequestForwarder?
    private let controller: ControllerHost?

    /// - Parameter forwarder: nil on a node that is no broker.
    /// - Parameter controller: nil on a node that is no controller.
    package init(forwarder: RequestForwarder?, controller: ControllerHost?) {
        self.forwarder = forwarder
        self.controller = controller
    }

    /// Forwards the request, or decides on it and answers when the decision is committed.
    ///
    /// - Parameter standby: the answer where this node is not the active controller.
    func serve<Response: WireMessage>(
        _ context: RequestContext, _ reply: Reply<Response>, standby: @autoclosure @escaping @Sendable () -> Response,
        _ decide: (inout ClusterController, Offset, MonotonicInstant) -> Decision<Response>
    ) {
        if context.listener.kind == .client {
            guard let forwarder else { return reply.closeConnection() }
            return forwarder.forward(context, reply)
        }
        guard let controller else { return reply(standby()) }
        controller.decide(decide) { response in reply(response ?? standby()) }
    }

    /// Forwards a client's request that is decided elsewhere than by the controller's records; false where it came to a
    /// controller's listener and is to be decided here.
    func forwards<Response: WireMessage>(_ context: RequestContext, _ reply: Reply<Response>) -> Bool {
        guard context.listener.kind == .client else { return false }
        if let forwarder { forwarder.forward(context, reply) } else { reply.closeConnection() }
        return true
    }

    /// Forwards a request that is not the one that came; gives nil where no controller answers.
    func forward<Request: WireRequest>(
        _ request: Request, for context: RequestContext, _ answer: @escaping @Sendable (Request.Response?) -> Void
    ) {
        guard let forwarder else { return answer(nil) }
        forwarder.forward(request, for: context, answer)
    }

    /// The state to decide on, where this node decides now; to look at only. On the control loop.
    var activeController: ClusterController? { controller?.controller }

    /// Whether this node decides now.
    var isActiveController: Bool { controller?.isActive ?? false }

    /// A fresh seed for the ids that a decision draws.
    func drawGenerator() -> SeededGenerator {
        SeededGenerator(seed: controller?.withGenerator { $0.next() } ?? 0)
    }
}
