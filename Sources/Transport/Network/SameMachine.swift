import Glibc
import World

/// Connections whose two ends are on one machine: no line between them can be congested.
///
/// BBR paces what it sends by a timer for each packet. Between two processes of one machine that delays nothing worth
/// delaying, and programming the timers costs more than the bytes: on a virtual machine, where each ends in a trap, a
/// consumer's answers cost the broker twice the CPU (docs/performance.md). Connections to other machines keep what the
/// system is set to.
enum SameMachine {
    /// Built into every Linux kernel, allowed to every user, and without a timer for what is sent.
    static let unpaced = "reno"
    /// Longest name that the system knows (TCP_CA_NAME_MAX).
    private static let nameBytesMax = 16

    /// Whether both ends are on this machine, as far as their addresses tell: loopback, or the same address.
    static func joins(_ local: Endpoint, _ remote: Endpoint) -> Bool {
        if local.host.isEmpty || remote.host.isEmpty { return false }
        return local.host == remote.host || isLoopback(remote.host)
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "::1" || host.hasPrefix("127.") || host.hasPrefix("::ffff:127.")
    }

    /// What the system gives to a new connection; looked up once.
    static let systemChoice: String? = {
        let probe = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard probe >= 0 else { return nil }
        defer { _ = Glibc.close(probe) }
        return congestionControl(of: probe)
    }()

    /// Has a socket that is about to listen or to connect send without pacing where the system's choice paces.
    ///
    /// Before and not after: the system begins to pace a connection when BBR meets it, and goes on when it has another
    /// congestion control. One that can't be changed is slower, no more.
    static func stopPacing(_ socket: Int32) {
        guard let choice = congestionControl(of: socket), isPaced(choice) else { return }
        set(unpaced, of: socket)
    }

    /// Gives a connection to another machine what the system would have given it, which everybody may set.
    static func pace(_ socket: Int32, as choice: String? = systemChoice) {
        guard let choice, isPaced(choice) else { return }
        set(choice, of: socket)
    }

    private static func isPaced(_ name: String) -> Bool { name.hasPrefix("bbr") }

    private static func set(_ name: String, of socket: Int32) {
        _ = unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count))
    }

    /// The name of a socket's congestion control; nil where it has none.
    static func congestionControl(of socket: Int32) -> String? {
        var name = [UInt8](repeating: 0, count: nameBytesMax)
        var length = socklen_t(nameBytesMax)
        guard unsafe getsockopt(socket, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else { return nil }
        return String(decoding: name.prefix(Int(length)).prefix { $0 != 0 }, as: UTF8.self)
    }
}
