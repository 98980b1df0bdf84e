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
