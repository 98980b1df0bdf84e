import CCodecs
import Primitives

/// Compresses piece by piece into memory that grows up to a limit.
@safe final class Compressor {
    private let encoder: OpaquePointer

    /// - Parameter level: the codec's own scale; nil for its default.
    /// - Parameter expectedBytes: exactly what will come; nil where that is not known.
    /// - Parameter headroom: bytes before the output, for the caller to fill.
    /// - Parameter limit: bytes of output and headroom, beyond which `write` or `finish` gives `tooLarge`.
    init(_ codec: Compression, level: Int32?, expectedBytes: Int?, headroom: Int, limit: Int) {
        let made = unsafe martlet_encoder_create(
            Int32(codec.rawValue), level ?? .min, expectedBytes ?? Int(bitPattern: UInt.max), headroom, limit)
        guard let encoder = unsafe made else {
            preconditionFailure("no memory for an encoder, or a level out of range")
        }
        unsafe self.encoder = encoder
    }

    deinit { unsafe martlet_encoder_free(encoder) }

    func write(_ source: UnsafeRawBufferPointer) throws(CompressionError) {
        try Compressor.check(unsafe martlet_encoder_write(encoder, source.baseAddress, source.count))
    }

    /// The output behind its headroom. Nothing may be written afterwards.
    func finish() throws(CompressionError) -> Bytes {
        var output: UnsafeMutableRawPointer?
        var count = 0
        try Compressor.check(unsafe martlet_encoder_finish(encoder, &output, &count))
        guard let base = unsafe output else { preconditionFailure("a codec gave no memory") }
        return unsafe CodecMemory.bytes(base, count: count)
    }

    private static func check(_ result: Int32) throws(CompressionError) {
        switch result {
        case MARTLET_CODEC_OK: return
        case MARTLET_CODEC_TOO_LARGE: throw .tooLarge
        default: preconditionFailure("compression failed with \(result)")
        }
    }
}
