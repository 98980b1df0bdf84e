/// How the records of a batch are compressed; the numbers are those of the batch's attributes.
package enum Compression: UInt8, CaseIterable, Hashable, Sendable {
    case uncompressed = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The name in configurations: `none`, `gzip`, `snappy`, `lz4`, `zstd`.
    package var name: String {
        switch self {
        case .uncompressed: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    /// The compression of a name in a configuration; nil where there is none of that name.
    package init?(name: some StringProtocol) {
        guard let found = Compression.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// Why compressed bytes were refused.
package enum CompressionError: Error, Hashable, Sendable {
    /// The bytes are not what the codec writes.
    case corrupt
    /// The output, or the window that decoding needs, is beyond the limit.
    case tooLarge
}
