import NIOCore
import Synchronization
package import World

/// The loops of a live node and the network that runs on them.
///
/// Where the bundle comes together: `Transport` gives loops and network, `LiveWorld` gives clock, randomness, files and
/// pool; neither knows the other, and the executable joins them in one `World`.
package final class LiveTransport: Sendable {
    /// The data-path loops of the beginning.
    package let loops: [any Loop]
    /// The loop of heartbeats and the quorum, with a thread of its own.
    package let controlLoop: any Loop
    package let network: any Network

    private let threads: Mutex<[NetworkLoop]>

    /// One for each two cores: the kernel's share of the work, the control loop and the pool take the others. A record
    /// that passes from one loop to another costs two wakes: with two loops on two cores that is a fifth of a
    /// ping-pong's CPU (docs/performance.md).
    package static var usualLoopCount: Int { min(max(System.coreCount / 2, 1), LoopGroup.countMax) }

    /// Starts `loopCount` data loops and the control loop.
    package init(loopCount: Int = LiveTransport.usualLoopCount, options: SocketOptions = SocketOptions()) {
        precondition(loopCount > 0, "a node needs a data loop")
        let dataLoops = (0..<loopCount).map { LiveTransport.begin("data-\($0)", place: $0) }
        let control = LiveTransport.begin("control", place: nil)
        loops = dataLoops
        controlLoop = control
        threads = Mutex(dataLoops + [control])
        network = LiveNetwork(options: options)
    }

    private static func begin(_ name: String, place: Int?) -> NetworkLoop {
        // At the start of a process there is nobody to tell.
        guard let loop = NetworkLoop(name: name, place: place) else {
            preconditionFailure("no thread or descriptor is left for a loop")
        }
        return loop
    }

    /// Starts one more data loop; nil where the system has no thread or descriptor left for it.
    package func startLoop(place: Int) -> (any Loop)? {
        guard let loop = NetworkLoop(name: "data-\(place)", place: place) else { return nil }
        threads.withLock { $0.append(loop) }
        return loop
    }

    /// Ends the loops; no call may follow. Not from one of the loops.
    package func stop() throws {
        for thread in threads.withLock({ $0 }) { thread.stop() }
    }
}
