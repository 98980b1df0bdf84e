import CCodecs
package import Primitives

/// Memory that a codec allocated, freed with the last slice of it.
@safe final class CodecMemory {
    private let base: UnsafeMutableRawPointer

    private init(_ base: UnsafeMutableRawPointer) { unsafe self.base = base }

    deinit { unsafe martlet_codec_free(base) }

    static func bytes(_ base: UnsafeMutableRawPointer, count: Int) -> Bytes {
        let region = unsafe MemoryRegion(base: base, count: count, keptAliveBy: CodecMemory(base))
        return Bytes(region, start: 0, count: count)
    }
}

extension Compression {
    /// The most that one batch may decompress to, whatever is configured.
    package static let outputMaxBytes = 64 << 20

    /// The original of compressed `bytes`.
    ///
    /// - Errors: `corrupt`; `tooLarge` as soon as the output exceeds `limit`. Declared sizes reserve nothing.
    package func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        if self == .uncompressed {
            guard bytes.count <= limit else { throw .tooLarge }
            return bytes
        }
        var output: UnsafeMutableRawPointer?
        var count = 0
        let result = unsafe bytes.withUnsafeBytes { source in
            unsafe martlet_decompress(Int32(rawValue), source.baseAddress, source.count, limit, &output, &count)
        }
        switch result {
        case MARTLET_CODEC_OK:
            guard let base = unsafe output else { preconditionFailure("a codec gave no memory") }
            return unsafe CodecMemory.bytes(base, count: count)
        case MARTLET_CODEC_TOO_LARGE, MARTLET_CODEC_NO_MEMORY: throw .tooLarge
        default: throw .corrupt
        }
    }

    /// `bytes` compressed; `level` is the codec's own scale, nil its default. Our own bytes always compress.
    package func compress(_ bytes: Bytes, level: Int32? = nil) -> Bytes {
        if self == .uncompressed { return bytes }
        var output: UnsafeMutableRawPointer?
        var count = 0
        let result = unsafe bytes.withUnsafeBytes { source in
            unsafe martlet_compress(
                Int32(rawValue), level ?? .min, source.baseAddress, source.count, &output, &count)
        }
        guard result == MARTLET_CODEC_OK, let base = unsafe output else { preconditionFailure("compression failed") }
        return unsafe CodecMemory.bytes(base, count: count)
    }
}
