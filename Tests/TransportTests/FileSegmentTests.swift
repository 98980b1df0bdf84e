import LiveWorld
import Primitives
import Testing
import World

@testable import Transport

@Suite("Ranges of files leave between bytes")
struct FileSegmentTests {
    @Test("Small ranges and large ones come in order, whatever stands around them")
    func mixture() throws {
        let store = PosixFileStore()
        let path = "/tmp/martlet-file-segments-\(UInt64.random(in: 0 ... .max))"
        let content = (0..<2 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
        let file = try store.open(path, .createNew)
        defer { try? store.remove(path) }
        try file.write([Bytes(content)], at: 0)

        let ranges = [(5, 100), (0, 1 << 20), (77, 64 << 10), (1 << 20, 1 << 20), (3, 0), (9, (64 << 10) + 1)]
        let total = ranges.reduce(0) { $0 + $1.1 } + 2 * ranges.count
        let server = try TestServer { event, link in
            guard case .frame = event else { return }
            link.send([.bytes(Bytes(lengthPrefix(total)))])
            for (position, count) in ranges {
                link.send([.bytes(Bytes([1, 2])), .file(file, position: Int64(position), count: count)])
            }
        }
        let client = ClientSocket(port: server.listener.port)
        for _ in 0..<3 {
            client.send(frame([0]))
            #expect(client.readFrame() == ranges.flatMap { [1, 2] + content[$0..<$0 + $1] })
        }
        try server.stop()
    }

    @Test("What a slow reader's socket does not take at once leaves later, in order", arguments: [1, 3])
    func slowReader(rounds: Int) throws {
        let store = PosixFileStore()
        let path = "/tmp/martlet-file-segments-\(UInt64.random(in: 0 ... .max))"
        let content = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 17 ^ $0 >> 7) }
        let file = try store.open(path, .createNew)
        defer { try? store.remove(path) }
        try file.write([Bytes(content)], at: 0)
        // Each answer is short of congestion, all of them are more than a socket takes.
        let count = 900 << 10
        let answers = 12
        let server = try TestServer { event, link in
            guard case .frame = event else { return }
            link.send([
                .bytes(Bytes(lengthPrefix(count + 3))), .file(file, position: 7, count: count),
                .bytes(Bytes([1, 2, 3])),
            ])
        }
        let client = ClientSocket(port: server.listener.port)
        for _ in 0..<rounds {
            // One frame a packet, mostly: so that they come in rounds of their own.
            for _ in 0..<answers { client.send(frame([0])) }
            for _ in 0..<answers {
                let answer = client.readFrame()
                #expect(answer == Array(content[7..<7 + count]) + [1, 2, 3])
            }
        }
        try server.stop()
    }

    @Test("A range beyond the end of the file ends the link: half an answer can't be taken back")
    func beyondTheEnd() throws {
        let store = PosixFileStore()
        let path = "/tmp/martlet-file-segments-\(UInt64.random(in: 0 ... .max))"
        let file = try store.open(path, .createNew)
        defer { try? store.remove(path) }
        try file.write([Bytes([1, 2, 3])], at: 0)
        let server = try TestServer { event, link in
            guard case .frame = event else { return }
            link.send([.bytes(Bytes(lengthPrefix(9))), .file(file, position: 0, count: 9)])
        }
        let client = ClientSocket(port: server.listener.port)
        client.send(frame([0]))
        #expect(client.readFrame() == nil)
        try server.stop()
    }
}
