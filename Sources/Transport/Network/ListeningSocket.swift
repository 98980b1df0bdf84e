import Glibc
import NIOCore
import World

/// A socket that is bound and listens, before a loop has it: an occupied port is told at once.
struct ListeningSocket {
    let descriptor: CInt
    /// The port it got, where 0 was asked for.
    let port: Int

    /// Binds and listens at `endpoint`; an empty host stands for all addresses.
    ///
    /// - Parameter backlog: connections that wait to be accepted.
    init(at endpoint: Endpoint, backlog: Int32) throws(ListenError) {
        let address = try ListeningSocket.resolve(endpoint)
        let family = address.protocol.rawValue
        let made = socket(
            family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        guard made >= 0 else { throw ListeningSocket.failure(endpoint) }
        var isOpen = false
        defer { if !isOpen { _ = Glibc.close(made) } }

        var one: CInt = 1
        _ = unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        if family == AF_INET6 {
            // All addresses means IPv4 as well.
            var zero: CInt = 0
            _ = unsafe setsockopt(
                made, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &zero, socklen_t(MemoryLayout<CInt>.size))
        }
        SameMachine.stopPacing(made)
        let bound = unsafe address.withSockAddr { unsafe bind(made, $0, socklen_t($1)) }
        guard bound == 0, Glibc.listen(made, backlog) == 0 else {
            throw ListeningSocket.failure(endpoint)
        }
        descriptor = made
        port = SocketAddresses.local(of: made).port
        isOpen = true
    }

    private static func resolve(_ endpoint: Endpoint) throws(ListenError) -> SocketAddress {
        let hosts = endpoint.host.isEmpty ? ["::", "0.0.0.0"] : [endpoint.host]
        var reason = "no address"
        for host in hosts {
            do {
                let address = try SocketAddress.makeAddressResolvingHost(host, port: endpoint.port)
                if hosts.count > 1, !isUsable(address) { continue }
                return address
            } catch {
                reason = "\(error)"
            }
        }
        throw .cannotBind(endpoint, reason: reason)
    }

    /// Whether the machine has the address's family at all.
    private static func isUsable(_ address: SocketAddress) -> Bool {
        let probe = socket(address.protocol.rawValue, CInt(SOCK_STREAM.rawValue), 0)
        if probe >= 0 { _ = Glibc.close(probe) }
        return probe >= 0
    }

    private static func failure(_ endpoint: Endpoint) -> ListenError {
        if errno == EADDRINUSE { return .addressInUse(endpoint) }
        return .cannotBind(endpoint, reason: unsafe String(cString: strerror(errno)))
    }
}
