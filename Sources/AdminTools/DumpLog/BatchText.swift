import Primitives
package import WireProtocol

/// The lines of `dump-log` for a batch and its records.
package enum BatchText {
    /// What is shown of records.
    package struct Detail: Hashable, Sendable {
        /// Each record has a line of its own.
        package var showsRecords = false
        /// Those lines have keys and values.
        package var showsData = false
        /// Those lines have nothing else.
        package var skipsMetadata = false

        package init() {}
    }

    /// The line of a batch that starts at `position`.
    package static func line(_ batch: RecordBatch, at position: Int64) -> String {
        let header = batch.header
        let attributes = header.attributes
        let horizon = attributes.hasDeleteHorizon ? "OptionalLong[\(header.baseTimestamp)]" : "OptionalLong.empty"
        var text = "baseOffset: \(header.baseOffset) lastOffset: \(header.lastOffset) count: \(header.recordCount)"
        text += " baseSequence: \(header.baseSequence ?? -1) lastSequence: \(header.lastSequence ?? -1)"
        text += " producerId: \(header.producerID?.value ?? -1) producerEpoch: \(header.producerEpoch?.value ?? -1)"
        text += " partitionLeaderEpoch: \(header.leaderEpoch) isTransactional: \(attributes.isTransactional)"
        text += " isControl: \(attributes.isControl) deleteHorizonMs: \(horizon) position: \(position)"
        text +=
            " \(timestampName(attributes)): \(header.maxTimestamp) size: \(batch.sizeInBytes) magic: \(header.magic)"
        text += " compresscodec: \(attributes.compression?.name ?? "unknown") crc: \(header.checksum)"
        return text + " isvalid: \(batch.computedChecksum == header.checksum)"
    }

    /// The line of one record.
    package static func line(
        _ record: Record, index: Int32, in header: RecordBatchHeader, _ detail: Detail
    ) -> String {
        var text = "|"
        if !detail.skipsMetadata {
            text += " offset: \(record.offset) \(timestampName(header.attributes)): \(record.timestamp)"
            text += " keySize: \(record.key?.count ?? -1) valueSize: \(record.value?.count ?? -1)"
            let sequence = header.baseSequence.map { Int64($0) + Int64(index) } ?? -1
            if header.attributes.isControl {
                text += " sequence: \(sequence) headerKeys: []" + control(record)
            } else {
                text += " sequence: \(sequence) headerKeys: [\(record.headers.map(\.key).joined(separator: ","))]"
            }
        }
        guard detail.showsData, !header.attributes.isControl else { return text }
        if let key = record.key { text += " key: \(String(decoding: key.array, as: UTF8.self))" }
        return text + " payload: \(record.value.map { String(decoding: $0.array, as: UTF8.self) } ?? "null")"
    }

    private static func timestampName(_ attributes: BatchAttributes) -> String {
        attributes.timestampType == .logAppendTime ? "LogAppendTime" : "CreateTime"
    }

    private static func control(_ record: Record) -> String {
        guard let key = record.key, key.count >= 4 else { return " controlType: UNKNOWN(-1)" }
        let number = key.bigEndian(Int16.self, at: 2)
        switch ControlRecordType(rawValue: number) {
        case .abort, .commit:
            let value = record.value ?? .empty
            let epoch = value.count >= 6 ? value.bigEndian(Int32.self, at: 2) : -1
            return " endTxnMarker: \(number == 1 ? "COMMIT" : "ABORT") coordinatorEpoch: \(epoch)"
        case .leaderChange: return " controlType: LEADER_CHANGE(\(number))"
        case .snapshotHeader: return " controlType: SNAPSHOT_HEADER(\(number))"
        case .snapshotFooter: return " controlType: SNAPSHOT_FOOTER(\(number))"
        case .kraftVersion: return " controlType: KRAFT_VERSION(\(number))"
        case .kraftVoters: return " controlType: KRAFT_VOTERS(\(number))"
        case nil: return " controlType: UNKNOWN(\(number))"
        }
    }
}
