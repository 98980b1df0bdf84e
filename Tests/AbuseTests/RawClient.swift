import Glibc
import Primitives
import WireMessages
import WireProtocol

/// A client that says whatever a test wants, in bytes.
final class RawClient {
    private let descriptor: CInt

    /// - Parameter receiveBufferBytes: what the system keeps for it before the sender has to wait; nil is its default.
    init(port: Int, receiveBufferBytes: CInt? = nil) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        if var bytes = receiveBufferBytes {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
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
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Ends the connection with a reset instead of an orderly close.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<Glibc.linger>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, size)
    }

    /// How long `answer` waits.
    func setPatience(milliseconds: Int) {
        var patience = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    }

    /// How long `send` waits for room before it gives up.
    func setSendPatience(milliseconds: Int) {
        var patience = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
    }

    func clearPatience() { hasRunOutOfPatience = false }

    /// Whether the last read ended as nothing came, and not as the server closed.
    private(set) var hasRunOutOfPatience = false

    /// Sends all, unless the other side has closed.
    func send(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let sent = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.send(descriptor, memory.baseAddress! + done, memory.count - done, CInt(MSG_NOSIGNAL))
            }
            if sent <= 0 { return }
            done += sent
        }
    }

    func endSending() { _ = shutdown(descriptor, CInt(SHUT_WR)) }

    /// The next `count` bytes, or what came of them before the end.
    func read(_ count: Int) -> [UInt8] {
        var got = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let received = unsafe got.withUnsafeMutableBytes { memory in
                unsafe recv(descriptor, memory.baseAddress! + done, count - done, 0)
            }
            if received < 0, errno == EAGAIN { hasRunOutOfPatience = true }
            if received <= 0 { break }
            done += received
        }
        return Array(got[..<done])
    }

    /// The next answer without its length; nil where the server closed instead.
    func answer() -> Bytes? {
        let prefix = read(4)
        guard prefix.count == 4 else { return nil }
        let content = read(prefix.reduce(0) { $0 << 8 | Int($1) })
        return Bytes(content)
    }

    /// True where the server closes without another answer.
    var isClosedByServer: Bool { answer() == nil && !hasRunOutOfPatience }

    /// A whole request in bytes, its length included.
    static func request<Request: WireRequest>(_ request: Request, version: Int16, _ correlation: Int32) -> [UInt8] {
        WireFrame.request(request, version: version, correlationID: CorrelationID(correlation), clientID: "raw").array
    }

    /// A whole request in bytes, out of its parts.
    static func frame(key: Int, version: Int, isFlexible: Bool, _ body: [UInt8]) -> [UInt8] {
        let numbers = [key >> 8, key & 255, version >> 8, version & 255].map { UInt8($0) }
        return framed(numbers + [0, 0, 0, 7, 0, 3, 0x72, 0x61, 0x77] + (isFlexible ? [0] : []) + body)
    }

    /// One exchange that a good client makes; true when it is answered.
    func isServed(_ correlation: Int32) -> Bool {
        send(RawClient.request(MetadataRequest(), version: 12, correlation))
        return answer()?.bigEndian(Int32.self, at: 0) == correlation
    }
}

/// `content` as a frame.
func framed(_ content: [UInt8]) -> [UInt8] { lengthPrefix(Int32(content.count)) + content }

func lengthPrefix(_ length: Int32) -> [UInt8] {
    let bits = UInt32(bitPattern: length)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) }
}
