import Primitives
import Testing
import WireProtocol

@Suite("Headers")
struct HeaderTests {
    @Test("The client id keeps its two-byte length in flexible headers")
    func flexibleRequestHeader() throws {
        let header = RequestHeader(
            key: .metadata, version: 12, correlationID: CorrelationID(7), clientID: "me")
        var writer = WireWriter()
        header.write(to: &writer, headerVersion: 2)
        let bytes = writer.finish()
        #expect(bytes.array == [0, 3, 0, 12, 0, 0, 0, 7, 0, 2, 0x6D, 0x65, 0])
        var reader = WireReader(bytes)
        let read = try RequestHeader(from: &reader) { _ in 9 }
        #expect(read == header)
        try reader.finish()
    }

    @Test("ApiVersions is answered with header version 0 whatever its version")
    func apiVersions() {
        #expect(ResponseHeader.headerVersion(key: .apiVersions, version: 4, firstFlexible: 3) == 0)
        #expect(ResponseHeader.headerVersion(key: .metadata, version: 9, firstFlexible: 9) == 1)
        #expect(ResponseHeader.headerVersion(key: .metadata, version: 8, firstFlexible: 9) == 0)
    }

    @Test("An unknown API is told apart from a broken header")
    func unknownAPI() {
        let bytes = Bytes([0x03, 0xE7, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF])
        var reader = WireReader(bytes)
        do {
            _ = try RequestHeader(from: &reader) { _ in nil }
            Issue.record("accepted")
        } catch { #expect(error == .unknownAPI(999)) }
    }

    @Test("Headers cut at any byte are refused")
    func truncated() {
        let whole: [UInt8] = [0, 3, 0, 12, 0, 0, 0, 7, 0, 2, 0x6D, 0x65, 0]
        for length in 0..<whole.count {
            let bytes = Bytes(Array(whole.prefix(length)))
            var reader = WireReader(bytes)
            do {
                _ = try RequestHeader(from: &reader) { _ in 9 }
                Issue.record("accepted \(length) bytes")
            } catch {}
        }
    }
}
