package import Primitives

/// Puts requests together from what a connection brings (RFC 9112), within bounds: strict, because whoever sends
/// something odd to an admin port is a scanner or a mistake.
package struct HTTPRequestReader: ~Copyable {
    /// The request line and all headers.
    static let headBytesMax = 8 << 10
    static let targetBytesMax = 1 << 10
    static let headersMax = 64
    /// What a PUT may carry.
    static let bodyBytesMax = 256

    private struct Head {
        let method: HTTPRequest.Method
        let path: String
        let query: String?
        let keepsAlive: Bool
        let bodyBytes: Int
        /// Where the body starts.
        let end: Int
    }

    private var bytes: [UInt8] = []
    private var head: Head?
    /// Up to where no end of the head was found.
    private var searched = 0

    /// Whether a request has begun that is not whole yet.
    var hasBegun: Bool { !bytes.isEmpty }

    /// How many requests stand in what a connection brings, up to the first that is refused.
    package static func requests(in pieces: [Bytes]) -> (count: Int, isRefused: Bool) {
        var reader = HTTPRequestReader()
        var count = 0
        for piece in pieces {
            reader.append(piece)
            do throws(HTTPRefusal) {
                while try reader.next() != nil { count += 1 }
            } catch { return (count, true) }
        }
        return (count, false)
    }

    /// Adds what arrived; what is more than a request can be is dropped, and found to be too much by `next`.
    mutating func append(_ piece: Bytes) {
        let room = HTTPRequestReader.headBytesMax + HTTPRequestReader.bodyBytesMax + 1 - bytes.count
        if room > 0 { bytes += piece[0..<min(room, piece.count)].array }
    }

    /// The next whole request, or nil until more has arrived.
    ///
    /// - Errors: what can't be understood or is too large; nothing after it can be understood either.
    mutating func next() throws(HTTPRefusal) -> HTTPRequest? {
        if head == nil { head = try readHead() }
        guard let head, bytes.count >= head.end + head.bodyBytes else { return nil }
        let body = String(decoding: bytes[head.end..<head.end + head.bodyBytes], as: UTF8.self)
        bytes.removeFirst(head.end + head.bodyBytes)
        self.head = nil
        searched = 0
        return HTTPRequest(
            method: head.method, path: head.path, query: head.query, keepsAlive: head.keepsAlive, body: body)
    }

    private mutating func readHead() throws(HTTPRefusal) -> Head? {
        // An empty line before a request is to be ignored (RFC 9112, 2.2).
        while bytes.starts(with: [13, 10]) { bytes.removeFirst(2) }
        guard let end = endOfHead() else {
            if bytes.count > HTTPRequestReader.headBytesMax {
                throw HTTPRefusal(.headerTooLarge, "the head has more than \(HTTPRequestReader.headBytesMax) bytes")
            }
            return nil
        }
        guard end <= HTTPRequestReader.headBytesMax else {
            throw HTTPRefusal(.headerTooLarge, "the head has more than \(HTTPRequestReader.headBytesMax) bytes")
        }
        let lines = try HTTPRequestReader.lines(bytes[0..<end - 4])
        return try HTTPRequestReader.head(lines, end: end)
    }

    /// Just behind the empty line.
    private mutating func endOfHead() -> Int? {
        var index = max(searched, 3)
        while index < bytes.count {
            if bytes[index] == 10, bytes[index - 1] == 13, bytes[index - 2] == 10, bytes[index - 3] == 13 {
                return index + 1
            }
            index += 1
        }
        searched = bytes.count
        return nil
    }

    /// The lines of a head; each consists of visible ASCII, blanks and what is beyond ASCII.
    private static func lines(_ head: ArraySlice<UInt8>) throws(HTTPRefusal) -> [String] {
        var lines: [String] = []
        var rest = head
        while true {
            let line = rest.prefix { $0 != 13 }
            guard line.allSatisfy({ $0 == 9 || $0 >= 32 && $0 != 127 }) else {
                throw HTTPRefusal(.badRequest, "a control character in the head")
            }
            lines.append(String(decoding: line, as: UTF8.self))
            rest = rest.dropFirst(line.count)
            if rest.isEmpty { return lines }
            guard rest.dropFirst().first == 10 else { throw HTTPRefusal(.badRequest, "a line ends without line feed") }
            rest = rest.dropFirst(2)
        }
    }

    private static func head(_ lines: [String], end: Int) throws(HTTPRefusal) -> Head {
        let parts = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, isToken(parts[0]) else { throw HTTPRefusal(.badRequest, "no request line") }
        guard parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0" else {
            throw parts[2].hasPrefix("HTTP/")
                ? HTTPRefusal(.versionNotSupported, "HTTP 1.0 and 1.1 are spoken here")
                : HTTPRefusal(.badRequest, "no request line")
        }
        guard parts[1].utf8.count <= targetBytesMax else { throw HTTPRefusal(.uriTooLong, "the target is too long") }
        guard parts[1].first == "/" else { throw HTTPRefusal(.badRequest, "the target is no path") }
        let isNewer = parts[2] == "HTTP/1.1"
        let headers = try HTTPHeaders(lines.dropFirst())
        if isNewer && headers.hosts != 1 { throw HTTPRefusal(.badRequest, "exactly one Host header is needed") }
        let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return Head(
            method: HTTPRequest.Method(rawValue: String(parts[0])) ?? .other, path: String(target[0]),
            query: target.count > 1 ? String(target[1]) : nil,
            keepsAlive: !headers.asksToClose && (isNewer || headers.asksToKeep), bodyBytes: headers.bodyBytes,
            end: end)
    }

    static func isToken(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}

/// What the headers of a request say that matters here.
private struct HTTPHeaders {
    private(set) var hosts = 0
    private(set) var asksToClose = false
    private(set) var asksToKeep = false
    private(set) var bodyBytes = 0

    init(_ lines: ArraySlice<String>) throws(HTTPRefusal) {
        guard lines.count <= HTTPRequestReader.headersMax else {
            throw HTTPRefusal(.headerTooLarge, "more than \(HTTPRequestReader.headersMax) headers")
        }
        var hasLength = false
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), HTTPRequestReader.isToken(line[..<colon]) else {
                throw HTTPRefusal(.badRequest, "a header without a name")
            }
            let value = String(line[line.index(after: colon)...]).trimmed
            switch line[..<colon].lowercased() {
            case "host": hosts += 1
            case "connection":
                let words = value.lowercased().split(separator: ",").map { String($0).trimmed }
                asksToClose = asksToClose || words.contains("close")
                asksToKeep = asksToKeep || words.contains("keep-alive")
            case "content-length":
                guard !hasLength, !value.isEmpty, value.utf8.allSatisfy({ (48...57).contains($0) }) else {
                    throw HTTPRefusal(.badRequest, "a bad Content-Length")
                }
                guard let length = Int(value), length <= HTTPRequestReader.bodyBytesMax else {
                    throw HTTPRefusal(.contentTooLarge, "more than \(HTTPRequestReader.bodyBytesMax) bytes of body")
                }
                hasLength = true
                bodyBytes = length
            case "transfer-encoding": throw HTTPRefusal(.notImplemented, "no transfer encoding is understood")
            default: break
            }
        }
    }
}
