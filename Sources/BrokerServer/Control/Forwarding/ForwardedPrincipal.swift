import Primitives
import Security
import WireMessages
import WireProtocol

/// A principal and an address as they stand in an Envelope.
enum ForwardedPrincipal {
    /// The version, then the principal in that version.
    static func encode(_ principal: Principal) -> Bytes {
        var data = DefaultPrincipalData()
        data.type = principal.type
        data.name = principal.name
        return Bytes([0, 0] + data.encoded(version: 0).array)
    }

    /// Reads a principal; nil where it can't be read.
    static func decode(_ bytes: Bytes) -> Principal? {
        guard bytes.count >= 2, bytes.bigEndian(Int16.self, at: 0) == 0,
            let data = try? DefaultPrincipalData.decode(bytes[2..<bytes.count], version: 0)
        else { return nil }
        return Principal(type: data.type, name: data.name)
    }

    /// The four bytes of an IPv4 address in text; those of the loopback where it is no such address.
    static func address(_ host: String) -> Bytes {
        let parts = host.split(separator: ".").compactMap { UInt8($0) }
        return Bytes(parts.count == 4 ? parts : [127, 0, 0, 1])
    }
}
