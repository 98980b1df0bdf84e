internal import CChecksums

/// The checksum of record batches and producer snapshots (CRC-32C), by the processor's instructions where it has them.
package enum CRC32C {
    /// The checksum of `bytes`; pass an earlier result to continue it.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, continuing earlier: UInt32 = 0) -> UInt32 {
        unsafe martlet_crc32c(earlier, bytes.baseAddress, bytes.count)
    }

    /// The checksum of a span.
    package static func checksum(_ span: RawSpan, continuing earlier: UInt32 = 0) -> UInt32 {
        unsafe span.withUnsafeBytes { unsafe checksum($0, continuing: earlier) }
    }

    /// The same by the portable code, to compare with.
    package static func portableChecksum(_ span: RawSpan, continuing earlier: UInt32 = 0) -> UInt32 {
        unsafe span.withUnsafeBytes { unsafe martlet_crc32c_portable(earlier, $0.baseAddress, $0.count) }
    }

    /// Which implementation this processor got: `avx512`, `sse42`, `arm` or `table`.
    package static var implementation: String { unsafe String(cString: martlet_crc32c_name()) }
}
