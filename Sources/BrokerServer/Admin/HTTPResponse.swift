import Primitives
import WireProtocol

/// What the admin port answers.
struct HTTPResponse: Hashable, Sendable {
    let status: HTTPStatus
    let contentType: String
    let body: [UInt8]

    init(_ status: HTTPStatus, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// Plain text, a line end added.
    init(_ status: HTTPStatus, _ text: String) {
        self.init(status, contentType: "text/plain; charset=utf-8", body: Array((text + "\n").utf8))
    }

    /// The bytes to send.
    ///
    /// - Parameter isHead: whether the request was HEAD: then the body stays here.
    func bytes(keepsAlive: Bool, isHead: Bool) -> Bytes {
        var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n"
        head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
        head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        if status == .methodNotAllowed { head += "Allow: GET, HEAD\r\n" }
        head += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Bytes(Array(head.utf8) + (isHead ? [] : body))
    }
}
