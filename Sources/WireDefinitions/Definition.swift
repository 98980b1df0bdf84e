/// What one file of `Definitions` says: an API with its two messages, or one record.
package struct Definition: Sendable {
    /// What the file describes.
    package enum Kind: Equatable, Sendable {
        /// A request and its response; versions from `unstable` on are not offered to clients.
        case api(key: Int, unstable: Int?)
        /// A record of the cluster metadata log.
        case metadata(key: Int)
        /// A coordinator's key or value, a control record, an embedded structure.
        case data
    }

    /// The file's path below `Definitions`.
    package let path: String
    package let kind: Kind
    /// The name of the API or of the record.
    package let name: String
    package let versions: ClosedRange<Int>
    /// The first version with compact encodings and tagged fields; nil where there is none.
    package let firstFlexible: Int?
    package var messages: [Message] = []
}

/// One generated type: a request, a response or a record.
package struct Message: Sendable {
    package let name: String
    package let isRequest: Bool
    package let isResponse: Bool
    /// The message itself comes first, then the structures in it.
    package var structures: [Structure]
}

/// A list of fields: the message itself, or a structure nested in it.
package struct Structure: Sendable {
    package let name: String
    /// The versions in which it can stand in the message.
    package let versions: ClosedRange<Int>
    package var fields: [Field] = []
}

/// One field with its place in the versions.
package struct Field: Sendable {
    package let name: String
    package let type: FieldType
    package let versions: ClosedRange<Int>
    /// The number of a tagged field.
    package var tag: Int?
    /// The versions in which it may be null; nil where never.
    package var nullVersions: ClosedRange<Int>?
    /// The text behind `=`; nil where the default is zero, empty or (for records) null.
    package var defaultText: String?
    /// May be dropped silently where the version has no place for it.
    package var isIgnorable = false

    package var isNullable: Bool { nullVersions != nil }
}

/// What a field holds.
package struct FieldType: Equatable, Sendable {
    /// One value, or one element of an array.
    package enum Element: Equatable, Sendable {
        case scalar(Scalar)
        case structure(String)
    }

    package let element: Element
    package let isArray: Bool
}

/// The kinds of single values, by their names in the definitions.
package enum Scalar: String, CaseIterable, Sendable {
    case bool, int8, int16, int32, int64, uint16, uint32, double, uuid, string, bytes, records
    case errorCode = "ErrorCode"
    case brokerID = "BrokerID"
    case brokerEpoch = "BrokerEpoch"
    case leaderEpoch = "LeaderEpoch"
    case offset = "Offset"
    case partitionEpoch = "PartitionEpoch"
    case partitionIndex = "PartitionIndex"
    case producerEpoch = "ProducerEpoch"
    case producerID = "ProducerID"

    /// The plain integer inside a wrapped number; nil for the others.
    package var wrapped: Scalar? {
        switch self {
        case .errorCode, .producerEpoch: .int16
        case .brokerID, .leaderEpoch, .partitionEpoch, .partitionIndex: .int32
        case .brokerEpoch, .offset, .producerID: .int64
        default: nil
        }
    }

    /// The Swift type.
    package var swiftName: String {
        switch self {
        case .bool: "Bool"
        case .int8: "Int8"
        case .int16: "Int16"
        case .int32: "Int32"
        case .int64: "Int64"
        case .uint16: "UInt16"
        case .uint32: "UInt32"
        case .double: "Double"
        case .uuid: "UUID128"
        case .string: "String"
        case .bytes, .records: "Bytes"
        default: rawValue
        }
    }

    /// True for a type of the module `Primitives`.
    package var isPrimitive: Bool { wrapped != nil || [.uuid, .bytes, .records].contains(self) }
}
