import NIOCore
package import World

/// The loops of a live node and the network that runs on them.
///
/// Where the bundle comes together: `Transport` gives loops and network, `LiveWorld` gives clock, randomness, files and
/// pool; neither knows the other, and the executable joins them in one `World`.
package final class LiveTransport: Sendable {
    /// The data-path loops.
    package let loops: [any Loop]
    /// The loop of heartbeats and the quorum, with a thread of its own.
    package let controlLoop: any Loop
    package let network: any Network

    private let threads: [NetworkLoop]

    /// One for each two cores: the kernel's share of the work, the control loop and the pool take the others. A record
    /// that passes from one loop to another costs two wakes: with two loops on two cores that is a fifth of a
    /// ping-pong's CPU (docs/performance.md).
    package static var usualLoopCount: Int { max(System.coreCount / 2, 1) }

    /// Starts `loopCount` data loops and the control loop.
    package init(loopCount: Int = LiveTransport.usualLoopCount, options: SocketOptions = SocketOptions()) {
        precondition(loopCount > 0, "a node needs a data loop")
        let dataLoops = (0..<loopCount).map { NetworkLoop(name: "data-\($0)") }
        let control = NetworkLoop(name: "control")
        loops = dataLoops
        controlLoop = control
        threads = dataLoops + [control]
        network = LiveNetwork(options: options)
    }

    /// Ends the loops; no call may follow. Not from one of the loops.
    package func stop() throws {
        for thread in threads { thread.stop() }
    }
}
