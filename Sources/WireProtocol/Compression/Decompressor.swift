import CCodecs
import Primitives

/// Decompresses piece by piece, so that no more of the output is in memory than the piece. One input at a time; what
/// the codecs need for it is made once and kept for the next.
@safe final class Decompressor {
    private let decoder: OpaquePointer

    init() {
        guard let decoder = unsafe martlet_decoder_create() else { preconditionFailure("no memory for a decoder") }
        unsafe self.decoder = decoder
    }

    deinit { unsafe martlet_decoder_free(decoder) }

    /// Begins with other input, which must stay where it is until the last `read`.
    ///
    /// - Parameter limit: bytes of output, beyond which reading gives `tooLarge`.
    func begin(_ source: UnsafeRawBufferPointer, _ codec: Compression, limit: Int) throws(CompressionError) {
        try Decompressor.check(
            unsafe martlet_decoder_begin(decoder, Int32(codec.rawValue), source.baseAddress, source.count, limit))
    }

    /// Fills `output` with as much as there is; fewer bytes than it holds are the end.
    func read(into output: UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int {
        var written = 0
        try Decompressor.check(
            unsafe martlet_decoder_read(decoder, output.baseAddress, output.count, &written))
        return written
    }

    private static func check(_ result: Int32) throws(CompressionError) {
        switch result {
        case MARTLET_CODEC_OK: return
        case MARTLET_CODEC_TOO_LARGE, MARTLET_CODEC_NO_MEMORY: throw .tooLarge
        default: throw .corrupt
        }
    }
}
