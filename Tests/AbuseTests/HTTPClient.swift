import Glibc

/// What an HTTP server answered.
struct HTTPAnswer {
    let status: Int
    let headers: [String: String]
    let body: String
}

extension RawClient {
    /// The next answer; nil where the server closed instead.
    func httpAnswer() -> HTTPAnswer? {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard let byte = read(1).first else { return nil }
            head.append(byte)
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n").map(String.init)
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            headers[line[..<colon].lowercased()] = String(line[line.index(colon, offsetBy: 2)...])
        }
        guard let length = headers["content-length"].flatMap({ Int($0) }) else { return nil }
        return HTTPAnswer(status: status, headers: headers, body: String(decoding: read(length), as: UTF8.self))
    }

    /// One request and its answer, on a connection that stays.
    func get(_ path: String) -> HTTPAnswer? {
        send(Array("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n".utf8))
        return httpAnswer()
    }
}
