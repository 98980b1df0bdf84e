package import Primitives
package import WireProtocol

/// What exists of one API: its key and the versions this code reads and writes.
package struct WireAPI: Hashable, Sendable {
    package let key: APIKey
    /// All versions that the code knows.
    package let versions: ClosedRange<Int16>
    /// The versions that clients may be offered: without those that Kafka has not settled.
    package let stableVersions: ClosedRange<Int16>
    /// The first version with compact encodings and tagged fields; `Int16.max` where there is none.
    package let firstFlexible: Int16

    init<Request: WireRequest>(_ type: Request.Type, firstUnstable: Int16? = nil) {
        key = Request.key
        versions = Request.versions
        stableVersions = Request.versions.lowerBound...(firstUnstable.map { $0 - 1 } ?? Request.versions.upperBound)
        firstFlexible = Request.firstFlexible
    }

    private static let byKey: [WireAPI?] = {
        let last = all.last?.key.value ?? -1
        return (0...last).map { value in all.first { $0.key.value == value } }
    }()

    /// The API of a key; nil where there is none (unknown or removed).
    package static func of(_ key: APIKey) -> WireAPI? {
        key.value >= 0 && Int(key.value) < byKey.count ? byKey[Int(key.value)] : nil
    }
}

extension RequestHeader {
    /// Reads the header of a request of any API that exists; its version may be one that does not.
    ///
    /// - Errors: `WireError.unknownAPI`, and what the reader throws.
    package init(from reader: inout WireReader) throws(WireError) {
        try self.init(from: &reader) { WireAPI.of($0)?.firstFlexible }
    }
}
