import Synchronization

/// A node with a listener of its own for brokers, for tests that leave it as they found it.
enum SharedNode {
    private static let node = Mutex<Result<Shared, any Error>?>(nil)

    /// Lives as long as the process.
    final class Shared: @unchecked Sendable {
        // Nothing in it changes once it has started.
        let node: WholeNode

        init(_ node: WholeNode) { self.node = node }

        deinit { try? node.stop() }
    }

    static func get() throws -> WholeNode {
        try node.withLock { node in
            let made = node ?? Result { Shared(try WholeNode(hasInternalListener: true)) }
            node = made
            return try made.get()
        }.node
    }
}
