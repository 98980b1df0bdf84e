package import Primitives
package import WireMessages
package import WireProtocol

/// One record of `__consumer_offsets` that this coordinator writes or understands. A nil value is a tombstone.
///
/// - Source: Kafka's `OffsetCommitKey` (versions 0, 1), `GroupMetadataKey` (version 2) and the keys of consumer groups
///   (3 to 8, 16); the version stands before the key and before the value as an int16.
package enum GroupRecord: ShardRecord {
    case offset(group: String, partition: ConsumedPartition, value: CommittedOffset?)
    case group(id: String, value: GroupMetadataValue?)
    case consumer(group: String, ConsumerGroupRecord)

    private static let offsetKeyVersion: Int16 = 1
    private static let groupKeyVersion: Int16 = 2
    /// The newest value version that is not flexible, as Kafka writes it so that older brokers can read it.
    private static let valueVersion: Int16 = 3
    /// The only value version that carries an expiry of its own.
    private static let expiringValueVersion: Int16 = 1

    /// No fewer bytes than the record takes in a batch as a tombstone.
    var tombstoneBytesMax: Int {
        switch self {
        case .offset(let group, let partition, _):
            GroupRecord.overheadBytesMax + group.utf8.count + partition.topic.utf8.count
        case .group(let id, _): GroupRecord.overheadBytesMax + id.utf8.count
        case .consumer(let id, let record): GroupRecord.overheadBytesMax + id.utf8.count + record.keyTextBytes
        }
    }

    /// Lengths, versions, the partition, and what a batch adds to each record.
    private static let overheadBytesMax = 64

    package var keyBytes: Bytes {
        switch self {
        case .offset(let group, let partition, _):
            var key = OffsetCommitKey()
            key.group = group
            key.topic = partition.topic
            key.partition = partition.index
            return GroupRecord.versioned(key, GroupRecord.offsetKeyVersion)
        case .group(let id, _):
            var key = GroupMetadataKey()
            key.group = id
            return GroupRecord.versioned(key, GroupRecord.groupKeyVersion)
        case .consumer(let id, let record): return record.keyBytes(group: id)
        }
    }

    /// Kafka's coordinator has one version for each value, whatever is finalized.
    package func valueBytes(level: Int16) -> Bytes? { valueBytes }

    package var valueBytes: Bytes? {
        switch self {
        case .offset(_, _, nil), .group(_, nil): return nil
        case .offset(_, _, .some(let offset)):
            let version =
                offset.expireTimestamp == nil ? GroupRecord.valueVersion : GroupRecord.expiringValueVersion
            return GroupRecord.versioned(offset.recordValue, version)
        case .group(_, .some(let value)): return GroupRecord.versioned(value, GroupRecord.valueVersion)
        case .consumer(_, let record): return record.valueBytes
        }
    }

    /// Reads a record back; nil for a kind that this coordinator does not keep (share and streams groups, or newer).
    /// - Throws: where the bytes are not what their version says.
    package static func decode(key: Bytes, value: Bytes?) throws(WireError) -> GroupRecord? {
        guard key.count >= 2 else { throw WireError.truncated(needed: 2, remaining: key.count) }
        let body = key[2..<key.count]
        switch key.bigEndian(Int16.self, at: 0) {
        case 0, 1:
            let key = try OffsetCommitKey.decode(body, version: key.bigEndian(Int16.self, at: 0))
            let offset = try value.map { bytes throws(WireError) in
                CommittedOffset(try decodeVersioned(OffsetCommitValue.self, bytes))
            }
            let partition = ConsumedPartition(topic: key.topic, index: key.partition)
            return .offset(group: key.group, partition: partition, value: offset)
        case 2:
            let key = try GroupMetadataKey.decode(body, version: 2)
            let value = try value.map { bytes throws(WireError) in
                try decodeVersioned(GroupMetadataValue.self, bytes)
            }
            return .group(id: key.group, value: value)
        case let version where ConsumerGroupRecord.isKeyVersion(version):
            let (group, record) = try ConsumerGroupRecord.decode(key: body, version: version, value: value)
            return .consumer(group: group, record)
        default: return nil
        }
    }

    static func versioned(_ message: some WireMessage, _ version: Int16) -> Bytes {
        let body = message.encoded(version: version)
        let whole = Bytes(MemoryRegion(count: body.count + 2), start: 0, count: body.count + 2)
        whole.patch(version, at: 0)
        unsafe whole.withUnsafeMutableBytes { target in
            unsafe body.withUnsafeBytes { source in
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                unsafe (to + 2).copyMemory(from: from, byteCount: source.count)
            }
        }
        return whole
    }

    static func decodeVersioned<Message: WireMessage>(
        _ type: Message.Type, _ bytes: Bytes
    ) throws(WireError) -> Message {
        guard bytes.count >= 2 else { throw WireError.truncated(needed: 2, remaining: bytes.count) }
        return try Message.decode(bytes[2..<bytes.count], version: bytes.bigEndian(Int16.self, at: 0))
    }
}
