package import Primitives
import WireMessages
import WireProtocol

/// How a metadata record stands in the value of a log record: frame version 1, API key and version as unsigned varints,
/// then the message.
package enum MetadataRecordFrame {
    private static let frameVersion: UInt32 = 1
    /// 4.0-IV1: the level of `metadata.version` that gave partitions a place for eligible leader replicas.
    package static let eligibleReplicasLevel: Int16 = 23

    /// The value of the log record for `record`, in the version that `level` of `metadata.version` finalizes.
    ///
    /// - Parameter level: 22 (4.0-IV0) or later. Nodes of that level read the log, so no record is newer than it.
    package static func encode(_ record: MetadataRecord, at level: Int16 = eligibleReplicasLevel) -> Bytes {
        let partitionVersion: Int16 = level >= eligibleReplicasLevel ? 2 : 1
        return encode(record, partitionVersion: partitionVersion)
    }

    private static func encode(_ record: MetadataRecord, partitionVersion: Int16) -> Bytes {
        switch record {
        case .registerBroker(let body): framed(0, body, version: body.cordonedLogDirs == nil ? 3 : 4)
        case .unregisterBroker(let body): framed(1, body)
        case .topic(let body): framed(2, body)
        case .partition(let body): framed(3, body, version: partitionVersion)
        case .config(let body): framed(4, body)
        case .partitionChange(let body): framed(5, body, version: partitionVersion)
        case .fenceBroker(let body): framed(7, body)
        case .unfenceBroker(let body): framed(8, body)
        case .removeTopic(let body): framed(9, body)
        case .delegationToken(let body): framed(10, body)
        case .userScramCredential(let body): framed(11, body)
        case .featureLevel(let body): framed(12, body)
        case .clientQuota(let body): framed(14, body)
        case .producerIDs(let body): framed(15, body)
        case .brokerRegistrationChange(let body): framed(17, body, version: body.cordonedLogDirs == nil ? 2 : 3)
        case .accessControlEntry(let body): framed(18, body)
        case .removeAccessControlEntry(let body): framed(19, body)
        case .noOp(let body): framed(20, body)
        case .zkMigrationState(let body): framed(21, body)
        case .removeUserScramCredential(let body): framed(22, body)
        case .beginTransaction(let body): framed(23, body)
        case .endTransaction(let body): framed(24, body)
        case .abortTransaction(let body): framed(25, body)
        case .removeDelegationToken(let body): framed(26, body)
        case .registerController(let body): framed(27, body)
        case .clearElr(let body): framed(28, body)
        }
    }

    /// Reads the value of a log record.
    ///
    /// - Throws: `MetadataError` if the frame, the kind, the version or the message is not one that this node knows: a
    ///   node must never skip a record it can't read.
    package static func decode(_ value: Bytes) throws(MetadataError) -> MetadataRecord {
        var position = 0
        let frame = try varint(value, &position)
        guard frame == frameVersion else { throw .unknownFrameVersion(frame) }
        let key = try varint(value, &position)
        let version = try varint(value, &position)
        guard let key16 = Int16(exactly: key), let version16 = Int16(exactly: version) else {
            throw .unknownRecord(key: key, version: version)
        }
        return try decoded(value[position..<value.count], key16, version16)
    }

    private static func decoded(
        _ body: Bytes, _ key: Int16, _ version: Int16
    ) throws(MetadataError) -> MetadataRecord {
        switch key {
        case 0: .registerBroker(try message(body, key, version))
        case 1: .unregisterBroker(try message(body, key, version))
        case 2: .topic(try message(body, key, version))
        case 3: .partition(try message(body, key, version))
        case 4: .config(try message(body, key, version))
        case 5: .partitionChange(try message(body, key, version))
        case 7: .fenceBroker(try message(body, key, version))
        case 8: .unfenceBroker(try message(body, key, version))
        case 9: .removeTopic(try message(body, key, version))
        case 10: .delegationToken(try message(body, key, version))
        case 11: .userScramCredential(try message(body, key, version))
        case 12: .featureLevel(try message(body, key, version))
        case 14: .clientQuota(try message(body, key, version))
        case 15: .producerIDs(try message(body, key, version))
        case 17: .brokerRegistrationChange(try message(body, key, version))
        case 18: .accessControlEntry(try message(body, key, version))
        case 19: .removeAccessControlEntry(try message(body, key, version))
        case 20: .noOp(try message(body, key, version))
        case 21: .zkMigrationState(try message(body, key, version))
        case 22: .removeUserScramCredential(try message(body, key, version))
        case 23: .beginTransaction(try message(body, key, version))
        case 24: .endTransaction(try message(body, key, version))
        case 25: .abortTransaction(try message(body, key, version))
        case 26: .removeDelegationToken(try message(body, key, version))
        case 27: .registerController(try message(body, key, version))
        case 28: .clearElr(try message(body, key, version))
        default: throw .unknownRecord(key: UInt32(bitPattern: Int32(key)), version: UInt32(bitPattern: Int32(version)))
        }
    }

    private static func message<Message: WireMessage>(
        _ body: Bytes, _ key: Int16, _ version: Int16
    ) throws(MetadataError) -> Message {
        guard Message.versions.contains(version) else {
            throw .unknownRecord(key: UInt32(bitPattern: Int32(key)), version: UInt32(bitPattern: Int32(version)))
        }
        do {
            return try Message.decode(body, version: version)
        } catch {
            throw .malformedRecord(key: key, reason: "\(error)")
        }
    }

    private static func framed(_ key: UInt8, _ body: some WireMessage, version: Int16 = 0) -> Bytes {
        // All three numbers are below 128, so each varint is one byte.
        let head = [UInt8(frameVersion), key, UInt8(version)]
        let content = body.encoded(version: version)
        return Bytes(head + content.array)
    }

    private static func varint(_ value: Bytes, _ position: inout Int) throws(MetadataError) -> UInt32 {
        var result: UInt32 = 0
        for shift in stride(from: UInt32(0), through: 28, by: 7) {
            guard position < value.count else { throw .truncatedFrame }
            let byte = value[position]
            position += 1
            result |= UInt32(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return result }
        }
        throw .truncatedFrame
    }
}
