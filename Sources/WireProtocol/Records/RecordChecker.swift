import Primitives

/// Checks what is in the records of produced batches, and puts them into another codec where the topic asks for it.
///
/// No record becomes an object, and compressed ones are never whole in memory. It serves one batch at a time and keeps
/// the codecs' memory for the next: one for each loop, one for each check on the pool.
package final class RecordChecker {
    private var pieces: RecordPieces?

    package init() {}

    /// What may be decompressed, and how much may be written anew, without holding up a loop.
    package struct Patience: Hashable, Sendable {
        package var decompressedBytesMax: Int
        package var convertedBytesMax: Int

        package init(decompressedBytesMax: Int, convertedBytesMax: Int) {
            self.decompressedBytesMax = decompressedBytesMax
            self.convertedBytesMax = convertedBytesMax
        }

        /// About a tenth of a millisecond.
        package static let ofLoop = Patience(decompressedBytesMax: 64 << 10, convertedBytesMax: 8 << 10)

        /// What may come out of a codec: gzip takes several times as long as the others.
        fileprivate func decompressedBytesMax(_ codec: Compression) -> Int {
            codec == .gzip ? decompressedBytesMax / 4 : decompressedBytesMax
        }
    }

    /// Checks the batch, whose header is known to be good: the batch as it is to be stored. It stays the same bytes
    /// (patched where its header lies about its latest time) unless the topic wants another codec.
    ///
    /// - Parameter patience: nil takes as long as it takes.
    /// - Returns: nil when the work is more than `patience` has; nothing was changed then.
    /// - Errors: INVALID_RECORD, INVALID_TIMESTAMP (both with the records to blame), CORRUPT_MESSAGE and
    ///   MESSAGE_TOO_LARGE; the batch is to be refused as a whole.
    package func check(
        _ batch: RecordBatch, _ rules: RecordRules, patience: Patience? = nil
    ) throws(RecordRefusal) -> RecordBatch? {
        guard let codec = batch.header.attributes.compression else {
            throw RecordRefusal(.unknownCompression(batch.header.attributes.bits))
        }
        let wanted: (codec: Compression, level: Int32?)? =
            if case .codec(let other, let level) = rules.storedAs, other != codec { (other, level) } else { nil }
        if let patience {
            let limit = wanted == nil ? patience.decompressedBytesMax(codec) : patience.convertedBytesMax
            let isMuch = codec != .uncompressed || wanted != nil
            if isMuch, batch.payload.count > limit { return nil }
        }
        var limit = rules.decompressedBytesMax
        if codec != .uncompressed, let patience { limit = min(limit, patience.decompressedBytesMax(codec)) }
        let sink = wanted.map { target in
            Compressor(
                target.codec, level: target.level,
                expectedBytes: codec == .uncompressed ? batch.payload.count : nil,
                headroom: RecordBatchHeader.sizeInBytes, limit: rules.batchBytesMax)
        }
        do throws(RecordScanError) {
            let latest = try scan(batch, codec, rules, limit: limit, sink: sink)
            guard let wanted, let sink else { return RecordChecker.corrected(batch, latest, rules) }
            return try RecordChecker.rewritten(batch, as: wanted.codec, latest, rules, sink)
        } catch {
            if case .read(_, .codec(.tooLarge)) = error, limit < rules.decompressedBytesMax { return nil }
            throw error.refusal(rules)
        }
    }

    // MARK: Scanning

    /// Goes over all records; gives the latest time among them.
    private func scan(
        _ batch: RecordBatch, _ codec: Compression, _ rules: RecordRules, limit: Int, sink: Compressor?
    ) throws(RecordScanError) -> Timestamp {
        let payload = batch.payload
        return try unsafe payload.withUnsafeBytes { (bytes) throws(RecordScanError) in
            if codec == .uncompressed {
                do throws(CompressionError) { try unsafe sink?.write(bytes) } catch {
                    throw .read(index: 0, .outputTooLarge)
                }
                var scan = RecordScan(batch.header, rules)
                return try unsafe scan.run(RecordWindow(whole: bytes))
            }
            let pieces = pieces ?? RecordPieces()
            self.pieces = pieces
            do throws(RecordReadError) { try unsafe pieces.begin(bytes, codec, limit: limit, sink: sink) } catch {
                throw .read(index: 0, error)
            }
            var scan = RecordScan(batch.header, rules)
            return try scan.run(RecordWindow(pieces))
        }
    }

    // MARK: What is stored

    /// The batch with the latest time that its records have, whatever its producer said.
    private static func corrected(_ batch: RecordBatch, _ latest: Timestamp, _ rules: RecordRules) -> RecordBatch {
        guard rules.createTimes != nil, batch.header.maxTimestamp != latest else { return batch }
        var corrected = batch
        corrected.correct(maxTimestamp: latest)
        return corrected
    }

    /// A batch of what `sink` gathered.
    private static func rewritten(
        _ batch: RecordBatch, as codec: Compression, _ latest: Timestamp, _ rules: RecordRules, _ sink: Compressor
    ) throws(RecordScanError) -> RecordBatch {
        let bytes: Bytes
        do throws(CompressionError) { bytes = try sink.finish() } catch { throw .read(index: 0, .outputTooLarge) }
        var rewritten = RecordBatch(headerOf: batch, compression: codec, into: bytes)
        if rules.createTimes != nil { rewritten.correct(maxTimestamp: latest) } else { rewritten.sealAnew() }
        return rewritten
    }
}

/// What ends a scan.
enum RecordScanError: Error {
    case read(index: Int, RecordReadError)
    case faults([RecordRefusal.Fault], count: Int, hasTimestamps: Bool)

    func refusal(_ rules: RecordRules) -> RecordRefusal {
        switch self {
        case .read(let index, .malformed(let reason)):
            return RecordRefusal(.malformedRecord(index: index, reason: "\(reason)"))
        case .read(_, .codec(.corrupt)): return RecordRefusal(.corruptCompression)
        case .read(_, .codec(.tooLarge)): return RecordRefusal(.decompressedTooLarge)
        case .read(_, .outputTooLarge):
            return RecordRefusal(
                code: .messageTooLarge,
                message: "the batch exceeds max.message.bytes, \(rules.batchBytesMax), in the topic's compression.type")
        case .faults(let faults, _, hasTimestamps: true):
            return RecordRefusal(
                code: .invalidTimestamp, message: "One or more records have been rejected due to invalid timestamp",
                faults: faults)
        case .faults(let faults, let count, hasTimestamps: false):
            return RecordRefusal(
                code: .invalidRecord,
                message: "One or more records have been rejected due to \(count) record errors in total", faults: faults
            )
        }
    }
}

/// One pass over the records of a batch.
struct RecordScan: ~Copyable {
    private let header: RecordBatchHeader
    private let rules: RecordRules
    private var faults: [RecordRefusal.Fault] = []
    private var faultCount = 0
    private var hasTimestamps = false
    private var latest = RecordScan.noTimestamp

    /// Kafka's time of a record without one.
    private static let noTimestamp: Int64 = -1

    init(_ header: RecordBatchHeader, _ rules: RecordRules) {
        self.header = header
        self.rules = rules
    }

    /// The latest time of the records, if all of them are good and nothing follows them.
    mutating func run(_ records: consuming RecordWindow) throws(RecordScanError) -> Timestamp {
        let count = Int(header.recordCount)
        let base = header.baseTimestamp.value
        let times = rules.createTimes ?? .min ... .max
        var index = 0
        do throws(RecordReadError) {
            while index < count {
                let (delta, hasKey) = try RecordScan.record(&records, index)
                let time = base &+ delta
                if time > latest { latest = time }
                if !hasKey, rules.needsKeys {
                    note(index, "Compacted topic cannot accept message without key.")
                } else if !times.contains(time), time != RecordScan.noTimestamp {
                    hasTimestamps = true
                    note(
                        index,
                        "Timestamp \(time) of message with offset \(index) is out of range. The timestamp should be "
                            + "within [\(times.lowerBound), \(times.upperBound)]")
                }
                index += 1
            }
            guard try records.isAtEnd() else { throw RecordReadError.malformed("bytes are left over behind it") }
        } catch {
            throw .read(index: index, error)
        }
        guard faultCount == 0 else { throw .faults(faults, count: faultCount, hasTimestamps: hasTimestamps) }
        return Timestamp(latest)
    }

    private mutating func note(_ index: Int, _ message: String) {
        faultCount += 1
        guard faults.count < RecordRefusal.faultsMax else { return }
        faults.append(RecordRefusal.Fault(index: Int32(index), message: message))
    }

    /// Passes over one record, every length of which is compared with what the record's own length leaves.
    ///
    /// - Shape: length, attributes, time delta, offset delta, key, value, headers.
    @inline(__always)
    private static func record(
        _ records: inout RecordWindow, _ index: Int
    ) throws(RecordReadError) -> (timestampDelta: Int64, hasKey: Bool) {
        let length = try records.varint()
        guard length >= 0 else { throw .malformed("its length is negative") }
        let end = records.position + length
        try records.skip(1)
        let timestampDelta = try records.varlong()
        guard try records.varint() == index else { throw .malformed("its offset is not the next one") }
        let hasKey = try skipField(&records, end)
        _ = try skipField(&records, end)
        let headers = try records.varint()
        if headers != 0 { try skipHeaders(headers, &records, end) }
        guard records.position == end else { throw .malformed("its length is not that of its parts") }
        return (timestampDelta, hasKey)
    }

    /// Passes over bytes with their length before them; false for null, which is the length -1.
    @inline(__always)
    private static func skipField(_ records: inout RecordWindow, _ end: Int) throws(RecordReadError) -> Bool {
        let length = try records.varint()
        guard length >= 0 else {
            guard length == -1 else { throw .malformed("a size is negative") }
            return false
        }
        guard length <= end - records.position else { throw .malformed("a size is larger than the record") }
        try records.skip(length)
        return true
    }

    private static func skipHeaders(
        _ count: Int, _ records: inout RecordWindow, _ end: Int
    ) throws(RecordReadError) {
        // A header takes two bytes at least.
        guard count >= 0, count <= (end - records.position) / 2 else {
            throw .malformed("it can't have that many headers")
        }
        for _ in 0..<count {
            guard try skipField(&records, end) else { throw .malformed("a header has no key") }
            _ = try skipField(&records, end)
        }
    }
}
