import ClientCore
import Primitives
import WireMessages
import WireProtocol

/// What a record of `__consumer_offsets` says, read from its bytes without a word with the coordinator.
enum CoordinatorLogRecord {
    /// An offset; nil where it is forgotten.
    case offset(GroupPlace, Offset?)
    /// The generation or group epoch of a group; nil where it is not kept any more.
    case epoch(String, Int32?)

    /// The records of a batch, those of control batches left out.
    static func read(_ log: DiskLog, _ index: Int, _ files: VirtualFiles) -> [CoordinatorLogRecord] {
        guard let (path, position) = log.location(of: index), let found = files.look(into: path, from: position) else {
            return []
        }
        var batches = RecordBatches(Bytes(found))
        guard let batch = try? batches.next(), !batch.header.attributes.isControl,
            var iterator = try? RecordIterator(batch)
        else { return [] }
        var records: [CoordinatorLogRecord] = []
        while let record = try? iterator.next() {
            if let key = record.key, let read = read(key, record.value) { records.append(read) }
        }
        return records
    }

    private static func read(_ key: Bytes, _ value: Bytes?) -> CoordinatorLogRecord? {
        guard key.count >= 2 else { return nil }
        let body = key[2..<key.count]
        switch key.bigEndian(Int16.self, at: 0) {
        case 0, 1:
            guard let key = try? OffsetCommitKey.decode(body, version: 1) else { return nil }
            let offset = value.flatMap { versioned($0, OffsetCommitValue.self)?.offset }
            return .offset(
                GroupPlace(group: key.group, place: TopicPartition(key.topic, key.partition)), offset)
        case 2:
            guard let key = try? GroupMetadataKey.decode(body, version: 2) else { return nil }
            return .epoch(key.group, value.flatMap { versioned($0, GroupMetadataValue.self)?.generation })
        case 3:
            guard let key = try? ConsumerGroupMetadataKey.decode(body, version: 3) else { return nil }
            return .epoch(key.groupID, value.flatMap { versioned($0, ConsumerGroupMetadataValue.self)?.epoch })
        default: return nil
        }
    }

    private static func versioned<Message: WireMessage>(_ value: Bytes, _ type: Message.Type) -> Message? {
        guard value.count >= 2 else { return nil }
        return try? Message.decode(value[2..<value.count], version: value.bigEndian(Int16.self, at: 0))
    }
}
