import Dispatch
import NIOCore
import NIOPosix
import Synchronization
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

    private let dataGroup: MultiThreadedEventLoopGroup
    private let controlGroup: MultiThreadedEventLoopGroup

    /// Starts `loopCount` data loops (as many as there are cores, unless told otherwise) and the control loop.
    package init(loopCount: Int = System.coreCount) {
        precondition(loopCount > 0, "a node needs a data loop")
        dataGroup = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
        controlGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let dataLoops = dataGroup.makeIterator().map { NetworkLoop($0) }
        loops = dataLoops
        controlLoop = NetworkLoop(controlGroup.next())
        network = LiveNetwork(acceptLoop: dataLoops[0])
    }

    /// Ends the loops; no call may follow. Not from one of the loops.
    package func stop() throws {
        try dataGroup.syncShutdownGracefully()
        try controlGroup.syncShutdownGracefully()
    }
}

/// Spreads accepted connections over a set of loops, in turn.
final class LoopChoice: EventLoopGroup {
    private let eventLoops: [any EventLoop]
    private let nextIndex = Atomic<Int>(0)

    init(_ loops: [NetworkLoop]) {
        precondition(!loops.isEmpty, "connections need a loop to live on")
        eventLoops = loops.map(\.eventLoop)
    }

    func next() -> any EventLoop {
        let index = nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue
        return eventLoops[Int(UInt(bitPattern: index) % UInt(eventLoops.count))]
    }

    func any() -> any EventLoop { eventLoops[0] }

    func makeIterator() -> EventLoopIterator { EventLoopIterator(eventLoops) }

    // The loops belong to `LiveTransport`, which ends them.
    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }
}
