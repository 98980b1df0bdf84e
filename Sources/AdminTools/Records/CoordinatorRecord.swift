package import Primitives
package import WireMessages
package import WireProtocol

/// A record of one of the logs in which coordinators keep their state, taken apart by its key's type.
package struct CoordinatorRecord: Hashable, Sendable {
    /// Whose log it is.
    package enum Log: Hashable, Sendable {
        /// `__consumer_offsets`
        case groups
        /// `__transaction_state`
        case transactions
        /// `__share_group_state`
        case shareStates
    }

    /// Why a record can't be taken apart.
    package enum Failure: Error, Hashable {
        case unknownType(Int16)
        case unreadable(WireError)
        case noKey
    }

    /// A version and the fields of the value.
    package struct Value: Hashable, Sendable {
        package let version: Int16
        package let fields: [NamedField]
    }

    package let type: Int16
    package let key: [NamedField]
    /// Nil where the record deletes what its key names.
    package let value: Value?

    private typealias Body = any (WireMessage & NamedFields).Type

    private static let groupTypes: [Int16: (key: Body, value: Body)] = [
        0: (OffsetCommitKey.self, OffsetCommitValue.self), 1: (OffsetCommitKey.self, OffsetCommitValue.self),
        2: (GroupMetadataKey.self, GroupMetadataValue.self),
        3: (ConsumerGroupMetadataKey.self, ConsumerGroupMetadataValue.self),
        4: (ConsumerGroupPartitionMetadataKey.self, ConsumerGroupPartitionMetadataValue.self),
        5: (ConsumerGroupMemberMetadataKey.self, ConsumerGroupMemberMetadataValue.self),
        6: (ConsumerGroupTargetAssignmentMetadataKey.self, ConsumerGroupTargetAssignmentMetadataValue.self),
        7: (ConsumerGroupTargetAssignmentMemberKey.self, ConsumerGroupTargetAssignmentMemberValue.self),
        8: (ConsumerGroupCurrentMemberAssignmentKey.self, ConsumerGroupCurrentMemberAssignmentValue.self),
        9: (ShareGroupPartitionMetadataKey.self, ShareGroupPartitionMetadataValue.self),
        10: (ShareGroupMemberMetadataKey.self, ShareGroupMemberMetadataValue.self),
        11: (ShareGroupMetadataKey.self, ShareGroupMetadataValue.self),
        12: (ShareGroupTargetAssignmentMetadataKey.self, ShareGroupTargetAssignmentMetadataValue.self),
        13: (ShareGroupTargetAssignmentMemberKey.self, ShareGroupTargetAssignmentMemberValue.self),
        14: (ShareGroupCurrentMemberAssignmentKey.self, ShareGroupCurrentMemberAssignmentValue.self),
        15: (ShareGroupStatePartitionMetadataKey.self, ShareGroupStatePartitionMetadataValue.self),
        16: (ConsumerGroupRegularExpressionKey.self, ConsumerGroupRegularExpressionValue.self),
    ]

    private static let transactionTypes: [Int16: (key: Body, value: Body)] = [
        0: (TransactionLogKey.self, TransactionLogValue.self)
    ]

    private static let shareTypes: [Int16: (key: Body, value: Body)] = [
        0: (ShareSnapshotKey.self, ShareSnapshotValue.self), 1: (ShareUpdateKey.self, ShareUpdateValue.self),
    ]

    /// Takes a record apart: the key begins with its type, the value with its version.
    package init(key: Bytes?, value: Bytes?, in log: Log) throws(Failure) {
        guard let key else { throw .noKey }
        guard key.count >= 2 else { throw .unreadable(.truncated(needed: 2, remaining: 0)) }
        type = key.bigEndian(Int16.self, at: 0)
        let types =
            switch log {
            case .groups: CoordinatorRecord.groupTypes
            case .transactions: CoordinatorRecord.transactionTypes
            case .shareStates: CoordinatorRecord.shareTypes
            }
        guard let body = types[type] else { throw .unknownType(type) }
        self.key = try CoordinatorRecord.keyFields(body.key, key[2..<key.count], type: type)
        self.value = try value.map { value throws(Failure) in
            guard value.count >= 2 else { throw .unreadable(.truncated(needed: 2, remaining: 0)) }
            let version = value.bigEndian(Int16.self, at: 0)
            let fields = try CoordinatorRecord.fields(body.value, value[2..<value.count], version: version)
            return Value(version: version, fields: fields)
        }
    }

    /// The type of a key is the version of its message, where one message serves several types.
    private static func keyFields(_ body: Body, _ bytes: Bytes, type: Int16) throws(Failure) -> [NamedField] {
        try fields(body, bytes, version: body.versions.contains(type) ? type : body.versions.lowerBound)
    }

    private static func fields(_ body: Body, _ bytes: Bytes, version: Int16) throws(Failure) -> [NamedField] {
        do throws(WireError) { return try body.decode(bytes, version: version).namedFields(version: version) } catch {
            throw .unreadable(error)
        }
    }
}
