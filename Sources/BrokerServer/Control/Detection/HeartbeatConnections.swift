import Primitives

/// Which broker sends its heartbeats over which connection, so that the end of one is a sign of death (R1).
///
/// `@unchecked Sendable`: touched on the control loop only, where the connections of controller listeners live.
package final class HeartbeatConnections: @unchecked Sendable {
    private struct Sender {
        let broker: BrokerID
        let epoch: BrokerEpoch
    }

    private let controller: ControllerHost
    private var senders: [UInt64: Sender] = [:]

    package init(_ controller: ControllerHost) { self.controller = controller }

    func note(_ connection: UInt64, _ broker: BrokerID, _ epoch: BrokerEpoch) {
        senders[connection] = Sender(broker: broker, epoch: epoch)
    }

    /// A connection of a controller listener ended.
    package func ended(_ connection: ConnectionIdentity) {
        guard let sender = senders.removeValue(forKey: connection.id) else { return }
        controller.heartbeatConnectionEnded(of: sender.broker, epoch: sender.epoch)
    }
}
