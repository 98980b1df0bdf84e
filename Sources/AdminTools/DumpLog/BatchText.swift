import Primitives
import WireMessages
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

    /// The line of one record; nil for a control record where only contents are shown.
    package static func line(
        _ record: Record, index: Int32, in header: RecordBatchHeader, _ detail: Detail, _ decoder: any RecordDecoder
    ) -> String? {
        let isControl = header.attributes.isControl
        if isControl, detail.skipsMetadata { return nil }
        var text = "|"
        if !detail.skipsMetadata {
            text += " offset: \(record.offset) \(timestampName(header.attributes)): \(record.timestamp)"
            text += " keySize: \(record.key?.count ?? -1) valueSize: \(record.value?.count ?? -1)"
            let sequence = header.baseSequence.map { BatchText.sequence(of: index, from: $0) } ?? -1
            text += " sequence: \(sequence) headerKeys: [\(record.headers.map(\.key).joined(separator: ","))]"
            if isControl { text += control(record) }
        }
        guard detail.showsData, !isControl else { return text }
        let contents = decoder.texts(of: record)
        if let key = contents.key { text += " key: \(key)" }
        if let payload = contents.payload { text += " payload: \(payload)" }
        return text
    }

    /// Sequence numbers start again from 0 behind the greatest.
    private static func sequence(of index: Int32, from base: Int32) -> Int32 { base &+ index & .max }

    private static func timestampName(_ attributes: BatchAttributes) -> String {
        attributes.timestampType == .logAppendTime ? "LogAppendTime" : "CreateTime"
    }

    private static func control(_ record: Record) -> String {
        guard let key = record.key, key.count >= 4 else { return " controlType: UNKNOWN(-1)" }
        let number = key.bigEndian(Int16.self, at: 2)
        let value = record.value ?? .empty
        switch ControlRecordType(rawValue: number) {
        case .abort, .commit:
            let epoch = value.count >= 6 ? value.bigEndian(Int32.self, at: 2) : -1
            return " endTxnMarker: \(number == 1 ? "COMMIT" : "ABORT") coordinatorEpoch: \(epoch)"
        case .leaderChange: return " controlType: LEADER_CHANGE(\(number))"
        case .snapshotHeader: return " SnapshotHeader \(json(value, SnapshotHeaderRecord.self))"
        case .snapshotFooter: return " SnapshotFooter \(json(value, SnapshotFooterRecord.self))"
        case .kraftVersion: return " KRaftVersion \(json(value, KRaftVersionRecord.self))"
        case .kraftVoters: return " KRaftVoters \(json(value, VotersRecord.self))"
        case nil: return " controlType: UNKNOWN(\(number))"
        }
    }

    private static func json<Message: WireMessage & NamedFields>(_ value: Bytes, _ type: Message.Type) -> String {
        do throws(WireError) {
            return JSONValue(try Message.decode(value, version: 0).namedFields(version: 0)).description
        } catch { return "(\(error))" }
    }
}
