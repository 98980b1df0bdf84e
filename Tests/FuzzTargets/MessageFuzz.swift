import Primitives
import WireMessages
import WireProtocol

/// Decodes messages, and holds each that is accepted to the promises of the codec.
struct MessageFuzz {
    /// What the process has allocated; nil where that says nothing, as others allocate as well.
    let heapBytes: HeapBytes?

    private static let requests: [APIKey: any WireRequest.Type] = {
        let types = WireCatalog.all.compactMap { $0 as? any WireRequest.Type }
        return Dictionary(uniqueKeysWithValues: types.map { ($0.key, $0) })
    }()

    /// A header, and the body that it announces.
    func request(_ frame: Bytes) {
        var reader = WireReader(frame)
        do {
            let header = try RequestHeader(from: &reader)
            guard let type = MessageFuzz.requests[header.key], type.versions.contains(header.version) else { return }
            check(type, frame[reader.position..<frame.count], version: header.version)
        } catch {}
    }

    /// The place of a type in the catalogue (two bytes), its version (one), and a body.
    func message(_ payload: Bytes) {
        guard payload.count >= 3 else { return }
        let type = WireCatalog.all[Int(payload.bigEndian(UInt16.self, at: 0)) % WireCatalog.all.count]
        let versions = type.versions
        let version = versions.lowerBound + Int16(payload[2]) % Int16(versions.count)
        check(type, payload[3..<payload.count], version: version)
    }

    /// What is accepted is written and read again as the same, and takes no more memory than its bytes may buy.
    private func check<Message: WireMessage>(_ type: Message.Type, _ bytes: Bytes, version: Int16) {
        guard let message = try? Message.decode(bytes, version: version) else { return }
        if let heapBytes { checkMemory(type, bytes, version, heapBytes) }
        let written = message.encoded(version: version)
        guard let again = try? Message.decode(written, version: version) else {
            preconditionFailure("\(type) \(version) does not read what it wrote")
        }
        precondition(again.encoded(version: version) == written, "\(type) \(version) is not stable")
        // Only what holds a double can differ from itself.
        precondition(again == message || message != message, "\(type) \(version) reads another message than it wrote")
    }

    private func checkMemory<Message: WireMessage>(
        _ type: Message.Type, _ bytes: Bytes, _ version: Int16, _ heapBytes: HeapBytes
    ) {
        // An array that grows has up to twice the room it needs.
        let allowed = WireReader.budgetFloor + 2 * WireReader.budgetFactor * bytes.count
        let before = heapBytes()
        let message = try? Message.decode(bytes, version: version)
        let held = heapBytes() - before
        withExtendedLifetime(message) {}
        precondition(held <= allowed, "\(type) \(version): \(bytes.count) bytes hold \(held)")
    }
}
