package import Logging
import Primitives
package import World

/// One node: what a process (or a simulated one) runs. Assembles the rooms of the server and takes them through start
/// and stop.
package final class Node: Sendable {
    private let configuration: NodeConfiguration
    private let world: World
    private let logger: Logger

    package init(configuration: NodeConfiguration, world: World, logger: Logger) {
        self.configuration = configuration
        self.world = world
        self.logger = logger
    }

    /// Starts in the background. `fatal` is called once, when the node can't start or can't go on.
    package func start(fatal: @escaping @Sendable (NodeFailure) -> Void) {
        fatal(NodeFailure("the node is not assembled yet"))
    }

    /// Hands leadership over, closes all, then calls `stopped`.
    package func stop(_ stopped: @escaping @Sendable () -> Void) { stopped() }
}

/// Why a node can't start or go on: names the thing and the remedy.
package struct NodeFailure: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
