import Glibc

/// A plain blocking socket: the other side of a link, in bytes.
final class ClientSocket {
    private let descriptor: CInt

    /// Connects to a port on loopback.
    init(port: Int) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(connected == 0, "connect failed: \(errno)")
        var one: CInt = 1
        _ = unsafe setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { if !isClosed { _ = Glibc.close(descriptor) } }

    private var isClosed = false

    func send(_ bytes: some Sequence<UInt8>) {
        let content = Array(bytes)
        var done = 0
        while done < content.count {
            let sent = unsafe content.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress! + done, $0.count - done, CInt(MSG_NOSIGNAL))
            }
            if sent <= 0 { return }
            done += sent
        }
    }

    /// Reads `count` bytes, or fewer when the other side ends.
    func read(_ count: Int) -> [UInt8] {
        var got: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while got.count < count {
            let wanted = min(buffer.count, count - got.count)
            let received = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, wanted, 0) }
            if received <= 0 { break }
            got += buffer[0..<received]
        }
        return got
    }

    /// Reads one frame's content; nil at the end.
    func readFrame() -> [UInt8]? {
        let prefix = read(4)
        guard prefix.count == 4 else { return nil }
        let length = prefix.reduce(0) { $0 << 8 | Int($1) }
        let content = read(length)
        return content.count == length ? content : nil
    }

    /// Tells the other side that nothing more comes.
    func endSending() { _ = shutdown(descriptor, CInt(SHUT_WR)) }

    /// Breaks the connection: the other side gets a reset.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        isClosed = true
        _ = Glibc.close(descriptor)
    }
}

/// The frame with `content`: its length, then itself.
func frame(_ content: [UInt8]) -> [UInt8] { lengthPrefix(content.count) + content }

func lengthPrefix(_ length: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
}
