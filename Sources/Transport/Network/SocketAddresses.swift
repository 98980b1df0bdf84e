import CPolling
import World

/// The two ends of a socket, in text form; a Unix socket or none has an empty host.
enum SocketAddresses {
    /// Longest text of an address (INET6_ADDRSTRLEN).
    private static let textBytesMax = 46

    static func local(of socket: Int32) -> Endpoint { endpoint(of: socket, isRemote: false) }

    static func remote(of socket: Int32) -> Endpoint { endpoint(of: socket, isRemote: true) }

    private static func endpoint(of socket: Int32, isRemote: Bool) -> Endpoint {
        var text = [CChar](repeating: 0, count: textBytesMax)
        var port: Int32 = 0
        unsafe martlet_socket_address(socket, isRemote ? 1 : 0, &text, text.count, &port)
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return Endpoint(host: String(decoding: bytes, as: UTF8.self), port: Int(port))
    }
}
