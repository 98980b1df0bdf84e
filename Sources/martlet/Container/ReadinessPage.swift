import Glibc
import World

/// The answer of a node's admin port to `/readyz`, asked for with a plain blocking socket: a health check lasts a few
/// milliseconds and needs no event loops.
struct ReadinessPage {
    private static let answerBytesMax = 4_096

    /// The first line of the answer has the status 200.
    let isReady: Bool
    /// What the page says: `ready`, or the reasons why not.
    let text: String

    /// Asks the port on this machine; nil if nobody answers there in time.
    init?(at endpoint: Endpoint, timeoutSeconds: Int) {
        guard let socket = ReadinessPage.connected(to: endpoint, timeoutSeconds) else { return nil }
        defer { close(socket) }
        let request = Array("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        let sent = unsafe request.withUnsafeBytes {
            unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == request.count else { return nil }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: ReadinessPage.answerBytesMax)
        while answer.count < ReadinessPage.answerBytesMax {
            let got = unsafe chunk.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            guard got > 0 else { break }
            answer += chunk.prefix(got)
        }
        let page = String(decoding: answer, as: UTF8.self)
        guard page.hasPrefix("HTTP/1."), let status = page.split(separator: " ").dropFirst().first else { return nil }
        isReady = status == "200"
        text = page.firstRange(of: "\r\n\r\n").map { String(page[$0.upperBound...]) } ?? ""
    }

    private static func connected(to endpoint: Endpoint, _ timeoutSeconds: Int) -> Int32? {
        let host = ["", "0.0.0.0", "::", "localhost"].contains(endpoint.host) ? "127.0.0.1" : endpoint.host
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: endpoint.port)).bigEndian
        guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return nil }
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return nil }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(socket)
            return nil
        }
        return socket
    }
}
