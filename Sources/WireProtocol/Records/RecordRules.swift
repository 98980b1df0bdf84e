package import Primitives

/// How a topic wants its batches stored (`compression.type`).
package enum StoredCompression: Hashable, Sendable {
    /// `producer`: as they came.
    case asProduced
    /// Put into this codec where they came in another; the level is the codec's own, nil its default.
    case codec(Compression, level: Int32?)
}

/// What a topic asks of the records of a produced batch.
package struct RecordRules: Hashable, Sendable {
    /// Each record needs a key: the topic is compacted.
    package var needsKeys = false
    /// The create times that are accepted, in milliseconds; nil where the broker stamps records with its own time.
    package var createTimes: ClosedRange<Int64>?
    package var storedAs = StoredCompression.asProduced
    /// The largest batch, as it is stored.
    package var batchBytesMax = Int.max
    /// The most that the records may decompress to.
    package var decompressedBytesMax = Compression.outputMaxBytes

    package init() {}

    /// What a batch may decompress to where batches may have `batchBytesMax` bytes: 64 MiB, or 16 times as much as the
    /// largest batch.
    package static func decompressedBytesMax(batchBytesMax: Int) -> Int {
        let (product, isOverflow) = batchBytesMax.multipliedReportingOverflow(by: 16)
        return isOverflow ? .max : max(Compression.outputMaxBytes, product)
    }
}

/// Why a produced batch was refused as a whole, and which of its records are to blame (KIP-467).
package struct RecordRefusal: Error, Hashable, Sendable {
    /// One record that is wrong by itself.
    package struct Fault: Hashable, Sendable {
        /// Which record of the batch, from 0.
        package var index: Int32
        package var message: String
    }

    /// Faults that are told at most: an answer must not be many times as large as its request.
    package static let faultsMax = 100

    package var code: ErrorCode
    package var message: String
    package var faults: [Fault]

    package init(code: ErrorCode, message: String, faults: [Fault] = []) {
        self.code = code
        self.message = message
        self.faults = faults
    }

    package init(_ error: RecordBatchError) {
        self.init(code: error.errorCode, message: "\(error)")
        switch error {
        case .malformedRecord(let index, _), .missingKey(let index):
            faults = [Fault(index: Int32(clamping: index), message: message)]
        default: break
        }
    }
}
