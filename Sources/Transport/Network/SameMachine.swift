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

    /// Has a socket send without pacing where its congestion control paces; one that can't be changed is slower, no
    /// more.
    static func stopPacing(_ socket: Int32) {
        guard let name = congestionControl(of: socket), name.hasPrefix("bbr") else { return }
        _ = unsafe setsockopt(
            socket, Int32(IPPROTO_TCP), TCP_CONGESTION, unpaced, socklen_t(unpaced.utf8.count))
    }

    /// The name of a socket's congestion control; nil where it has none.
    static func congestionControl(of socket: Int32) -> String? {
        var name = [UInt8](repeating: 0, count: nameBytesMax)
        var length = socklen_t(nameBytesMax)
        guard unsafe getsockopt(socket, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &length) == 0 else { return nil }
        return String(decoding: name.prefix(Int(length)).prefix { $0 != 0 }, as: UTF8.self)
    }
}
