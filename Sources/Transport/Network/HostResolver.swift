import NIOCore
import NIOPosix
import Synchronization

/// How SwiftNIO asks for the addresses of one connection.
final class HostResolver: Resolver, Sendable {
    private let names: HostNames
    private let loop: any EventLoop
    private let remembered = Mutex(false)

    init(_ names: HostNames, on loop: any EventLoop) {
        self.names = names
        self.loop = loop
    }

    /// The addresses were those of an earlier answer: whoever refuses there may be somebody else.
    var hasRemembered: Bool { remembered.withLock { $0 } }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        addresses(host, port) { !$0.contains(":") }
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        addresses(host, port) { $0.contains(":") }
    }

    /// A look-up that somebody else may wait for is not ended; its answer is dropped.
    func cancelQueries() {}

    private func addresses(
        _ host: String, _ port: Int, _ isWanted: @escaping @Sendable (String) -> Bool
    ) -> EventLoopFuture<[SocketAddress]> {
        names.find(host, on: loop).flatMapThrowing { found in
            if found.isRemembered { self.remembered.withLock { $0 = true } }
            return try found.addresses.filter(isWanted).map { try SocketAddress(ipAddress: $0, port: port) }
        }
    }
}
