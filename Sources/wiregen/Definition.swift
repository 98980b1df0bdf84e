/// What one file of `Definitions` says: an API with its two messages, or one record.
struct Definition {
    enum Kind: Equatable {
        /// A request and its response; versions from `unstable` on are not offered to clients.
        case api(key: Int, unstable: Int?)
        /// A record of the cluster metadata log.
        case metadata(key: Int)
        /// A coordinator's key or value, a control record, an embedded structure.
        case data
    }

    /// The file's path below `Definitions`.
    let path: String
    let kind: Kind
    /// The name of the API or of the record.
    let name: String
    let versions: ClosedRange<Int>
    /// The first version with compact encodings and tagged fields; nil where there is none.
    let firstFlexible: Int?
    var messages: [Message] = []
}

/// One generated type: a request, a response or a record.
struct Message {
    let name: String
    let isRequest: Bool
    let isResponse: Bool
    /// The message itself comes first, then the structures in it.
    var structures: [Structure]
}

/// A list of fields: the message itself, or a structure nested in it.
struct Structure {
    let name: String
    /// The versions in which it can stand in the message.
    let versions: ClosedRange<Int>
    var fields: [Field] = []
}

/// One field with its place in the versions.
struct Field {
    let name: String
    let type: FieldType
    let versions: ClosedRange<Int>
    /// The number of a tagged field.
    var tag: Int?
    /// The versions in which it may be null; nil where never.
    var nullVersions: ClosedRange<Int>?
    /// The text behind `=`; nil where the default is zero, empty or (for records) null.
    var defaultText: String?
    /// May be dropped silently where the version has no place for it.
    var isIgnorable = false

    var isNullable: Bool { nullVersions != nil }
}

/// What a field holds.
struct FieldType: Equatable {
    enum Element: Equatable {
        case scalar(Scalar)
        case structure(String)
    }

    let element: Element
    let isArray: Bool
}

/// The kinds of single values, by their names in the definitions.
enum Scalar: String, CaseIterable {
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
    var wrapped: Scalar? {
        switch self {
        case .errorCode, .producerEpoch: .int16
        case .brokerID, .leaderEpoch, .partitionEpoch, .partitionIndex: .int32
        case .brokerEpoch, .offset, .producerID: .int64
        default: nil
        }
    }

    /// The Swift type.
    var swiftName: String {
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
    var isPrimitive: Bool { wrapped != nil || [.uuid, .bytes, .records].contains(self) }
}
