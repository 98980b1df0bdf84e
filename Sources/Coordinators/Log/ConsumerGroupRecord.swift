import Primitives
package import WireMessages
import WireProtocol

/// One record of a group of the consumer protocol, without the group's id. A nil value is a tombstone.
///
/// - Source: KIP-848, KIP-1101 (the hash of the metadata in place of `partitionMetadata`), KIP-1251 (the epochs in
///   which partitions were assigned); Kafka's key types 3 to 8 and 16.
package enum ConsumerGroupRecord: Hashable, Sendable {
    /// The group and its epoch.
    case group(ConsumerGroupMetadataValue?)
    /// What Kafka wrote before 4.1; it is only deleted here.
    case partitionMetadata(ConsumerGroupPartitionMetadataValue?)
    /// What a member says of itself.
    case member(id: String, ConsumerGroupMemberMetadataValue?)
    /// The group epoch for which the target assignment was computed.
    case targetEpoch(ConsumerGroupTargetAssignmentMetadataValue?)
    /// What a member is to own.
    case target(member: String, ConsumerGroupTargetAssignmentMemberValue?)
    /// What a member owns, and in which epoch it is.
    case current(member: String, ConsumerGroupCurrentMemberAssignmentValue?)
    /// The topics that a regular expression stands for.
    case expression(String, ConsumerGroupRegularExpressionValue?)

    /// The version of all values.
    static let valueVersion: Int16 = 0

    /// Versions of keys that hold a record of this kind.
    static func isKeyVersion(_ version: Int16) -> Bool { (3...8).contains(version) || version == 16 }

    var isTombstone: Bool {
        switch self {
        case .group(nil), .partitionMetadata(nil), .member(_, nil), .targetEpoch(nil), .target(_, nil),
            .current(_, nil), .expression(_, nil):
            true
        default: false
        }
    }

    /// The bytes of the member's id or of the expression in the key.
    var keyTextBytes: Int {
        switch self {
        case .group, .partitionMetadata, .targetEpoch: 0
        case .member(let text, _), .target(let text, _), .current(let text, _), .expression(let text, _):
            text.utf8.count
        }
    }

    func keyBytes(group: String) -> Bytes {
        switch self {
        case .group:
            var key = ConsumerGroupMetadataKey()
            key.groupID = group
            return GroupRecord.versioned(key, 3)
        case .partitionMetadata:
            var key = ConsumerGroupPartitionMetadataKey()
            key.groupID = group
            return GroupRecord.versioned(key, 4)
        case .member(let member, _):
            var key = ConsumerGroupMemberMetadataKey()
            (key.groupID, key.memberID) = (group, member)
            return GroupRecord.versioned(key, 5)
        case .targetEpoch:
            var key = ConsumerGroupTargetAssignmentMetadataKey()
            key.groupID = group
            return GroupRecord.versioned(key, 6)
        case .target(let member, _):
            var key = ConsumerGroupTargetAssignmentMemberKey()
            (key.groupID, key.memberID) = (group, member)
            return GroupRecord.versioned(key, 7)
        case .current(let member, _):
            var key = ConsumerGroupCurrentMemberAssignmentKey()
            (key.groupID, key.memberID) = (group, member)
            return GroupRecord.versioned(key, 8)
        case .expression(let text, _):
            var key = ConsumerGroupRegularExpressionKey()
            (key.groupID, key.regularExpression) = (group, text)
            return GroupRecord.versioned(key, 16)
        }
    }

    var valueBytes: Bytes? {
        func encoded(_ value: (some WireMessage)?) -> Bytes? {
            value.map { GroupRecord.versioned($0, ConsumerGroupRecord.valueVersion) }
        }
        return switch self {
        case .group(let value): encoded(value)
        case .partitionMetadata(let value): encoded(value)
        case .member(_, let value): encoded(value)
        case .targetEpoch(let value): encoded(value)
        case .target(_, let value): encoded(value)
        case .current(_, let value): encoded(value)
        case .expression(_, let value): encoded(value)
        }
    }

    /// Reads a record back, with its group's id.
    static func decode(
        key body: Bytes, version: Int16, value: Bytes?
    ) throws(WireError) -> (group: String, record: ConsumerGroupRecord) {
        switch version {
        case 3:
            let key = try ConsumerGroupMetadataKey.decode(body, version: version)
            return (key.groupID, .group(try decoded(value)))
        case 4:
            let key = try ConsumerGroupPartitionMetadataKey.decode(body, version: version)
            return (key.groupID, .partitionMetadata(try decoded(value)))
        case 5:
            let key = try ConsumerGroupMemberMetadataKey.decode(body, version: version)
            return (key.groupID, .member(id: key.memberID, try decoded(value)))
        case 6:
            let key = try ConsumerGroupTargetAssignmentMetadataKey.decode(body, version: version)
            return (key.groupID, .targetEpoch(try decoded(value)))
        case 7:
            let key = try ConsumerGroupTargetAssignmentMemberKey.decode(body, version: version)
            return (key.groupID, .target(member: key.memberID, try decoded(value)))
        case 8:
            let key = try ConsumerGroupCurrentMemberAssignmentKey.decode(body, version: version)
            return (key.groupID, .current(member: key.memberID, try decoded(value)))
        case 16:
            let key = try ConsumerGroupRegularExpressionKey.decode(body, version: version)
            return (key.groupID, .expression(key.regularExpression, try decoded(value)))
        default: preconditionFailure("no key of a consumer group: version \(version)")
        }
    }

    private static func decoded<Value: WireMessage>(_ bytes: Bytes?) throws(WireError) -> Value? {
        guard let bytes else { return nil }
        return try GroupRecord.decodeVersioned(Value.self, bytes)
    }
}
