import Primitives
import Testing

@testable import BrokerServer

@Suite("Reading HTTP requests")
struct HTTPRequestReaderTests {
    private static let get = "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"

    /// All requests in `text`, given in pieces of `size` bytes.
    private func read(_ text: String, pieces size: Int = .max) throws(HTTPRefusal) -> [HTTPRequest] {
        var reader = HTTPRequestReader()
        var requests: [HTTPRequest] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            reader.append(Bytes(Array(rest.prefix(size))))
            rest = rest.dropFirst(min(size, rest.count))
            while let request = try reader.next() { requests.append(request) }
        }
        return requests
    }

    private func refusal(of text: String) -> HTTPStatus? {
        do throws(HTTPRefusal) {
            _ = try read(text)
            return nil
        } catch {
            return error.status
        }
    }

    @Test("A request is read whatever pieces it comes in")
    func readsPieces() throws {
        let whole = try read(Self.get)
        #expect(
            whole == [HTTPRequest(method: .get, path: "/metrics", query: "x=1", keepsAlive: true, body: "")])
        for size in 1...Self.get.utf8.count { #expect(try read(Self.get, pieces: size) == whole) }
    }

    @Test("Requests that follow each other are read one after the other, with their bodies")
    func readsSeveral() throws {
        let put = "PUT /loggers/kafka HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nDEBUG"
        let requests = try read(Self.get + put + "\r\n" + Self.get, pieces: 7)
        #expect(requests.map(\.method) == [.get, .put, .get])
        #expect(requests.map(\.body) == ["", "DEBUG", ""])
    }

    @Test(
        "Whether a connection stays is said by the version and the Connection header",
        arguments: [
            ("HTTP/1.1\r\nHost: a", true), ("HTTP/1.1\r\nHost: a\r\nConnection: close", false),
            ("HTTP/1.1\r\nHost: a\r\nconnection: foo, Close", false), ("HTTP/1.0", false),
            ("HTTP/1.0\r\nConnection: keep-alive", true),
        ])
    func keepsAlive(rest: String, keeps: Bool) throws {
        #expect(try read("GET / \(rest)\r\n\r\n").first?.keepsAlive == keeps)
    }

    @Test(
        "What is no request is refused with the status that says why",
        arguments: [
            ("hello\r\n\r\n", HTTPStatus.badRequest),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .badRequest),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 257\r\n\r\n", .contentTooLarge),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", .contentTooLarge),
            ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .notImplemented),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .versionNotSupported),
            ("GET / FTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
        ])
    func refuses(text: String, status: HTTPStatus) {
        #expect(refusal(of: text) == status)
    }

    @Test("Lengths are bounded: target, head, number of headers, whatever never ends")
    func isBounded() {
        let long = String(repeating: "a", count: 20_000)
        let headers = (0..<70).map { "X\($0): a\r\n" }.joined()
        #expect(refusal(of: "GET /\(long.prefix(1_100)) HTTP/1.1\r\nHost: a\r\n\r\n") == .uriTooLong)
        #expect(refusal(of: "GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n") == .headerTooLarge)
        #expect(refusal(of: "GET / HTTP/1.1\r\nHost: a\r\n\(headers)\r\n") == .headerTooLarge)
        #expect(refusal(of: long + long) == .headerTooLarge)
    }
}
