package import Primitives

extension RecordBatch {
    /// The first record for which `isWanted` holds; nil where there is none. No record is made, and a header that is no
    /// text, which producers may send, does not matter.
    ///
    /// - Errors: `unknownCompression`, `corruptCompression`, `malformedRecord`.
    package func firstRecord(
        where isWanted: (_ offset: Offset, _ timestamp: Timestamp) -> Bool
    ) throws(RecordBatchError) -> (offset: Offset, timestamp: Timestamp)? {
        guard let codec = header.attributes.compression else { throw .unknownCompression(header.attributes.bits) }
        let (header, payload) = (header, payload)
        return try unsafe payload.withUnsafeBytes { (bytes) throws(RecordBatchError) in
            var index = 0
            do throws(RecordReadError) {
                if codec == .uncompressed {
                    var records = unsafe RecordWindow(whole: bytes)
                    return try RecordBatch.first(in: &records, header, &index, isWanted)
                }
                let pieces = RecordPieces()
                // What was accepted is read again whatever its size: the limits are those of the append.
                try unsafe pieces.begin(bytes, codec, limit: .max, sink: nil)
                var records = RecordWindow(pieces)
                return try RecordBatch.first(in: &records, header, &index, isWanted)
            } catch {
                switch error {
                case .malformed(let reason): throw .malformedRecord(index: index, reason: "\(reason)")
                case .codec, .outputTooLarge: throw .corruptCompression
                }
            }
        }
    }

    private static func first(
        in records: inout RecordWindow, _ header: RecordBatchHeader, _ index: inout Int,
        _ isWanted: (Offset, Timestamp) -> Bool
    ) throws(RecordReadError) -> (offset: Offset, timestamp: Timestamp)? {
        let isBrokerTime = header.attributes.timestampType == .logAppendTime
        while index < Int(header.recordCount) {
            let length = try records.varint()
            guard length >= 0 else { throw .malformed("its length is negative") }
            let end = records.position + length
            try records.skip(1)
            let timestampDelta = try records.varlong()
            let offset = Offset(header.baseOffset.value &+ Int64(try records.varint()))
            let timestamp =
                isBrokerTime ? header.maxTimestamp : Timestamp(header.baseTimestamp.value &+ timestampDelta)
            if isWanted(offset, timestamp) { return (offset, timestamp) }
            guard records.position <= end else { throw .malformed("its length is not that of its parts") }
            try records.skip(end - records.position)
            index += 1
        }
        return nil
    }
}
