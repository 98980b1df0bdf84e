import Glibc
import NIOCore
import NIOPosix
import World

/// A socket that is bound and listens. Made here, and not by SwiftNIO, so that opening a port needs no waiting for a
/// future and an occupied one is told apart.
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
        let made = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
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
        let bound = unsafe address.withSockAddr { unsafe bind(made, $0, socklen_t($1)) }
        guard bound == 0, Glibc.listen(made, backlog) == 0 else {
            throw ListeningSocket.failure(endpoint)
        }
        descriptor = made
        port = ListeningSocket.port(of: made) ?? endpoint.port
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

    private static func port(of descriptor: CInt) -> Int? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let got = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard got == 0 else { return nil }
        // The port stands at the same place in both families.
        let port = unsafe withUnsafeBytes(of: &storage) { unsafe $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self) }
        return Int(UInt16(bigEndian: port))
    }
}
