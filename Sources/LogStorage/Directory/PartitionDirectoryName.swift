package import Primitives

/// The name of a partition's directory: `topic-partition`, or `topic-partition.id-suffix` for one that is set aside.
package struct PartitionDirectoryName: Hashable, Sendable, CustomStringConvertible {
    /// What a directory is for.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case current = ""
        /// Of a deleted topic, to be removed.
        case deleted = "delete"
        /// A replica that is being copied from another directory of this node.
        case future = "future"
        /// Not in the metadata: set aside, never removed on sight.
        case stray = "stray"
    }

    package let topic: String
    package let partition: PartitionIndex
    package let kind: Kind
    /// The id that makes the name of one set aside unique; nil for `current`.
    package let uniqueID: UUID128?

    /// The directory of a partition in use.
    package init(topic: String, partition: PartitionIndex) {
        self.topic = topic
        self.partition = partition
        kind = .current
        uniqueID = nil
    }

    private init(topic: String, partition: PartitionIndex, kind: Kind, uniqueID: UUID128) {
        self.topic = topic
        self.partition = partition
        self.kind = kind
        self.uniqueID = uniqueID
    }

    /// Whether the whole topic name fits beside an id and a kind.
    package var hasRoomForKind: Bool {
        asided(.future, id: .zero).topic.utf8.count == topic.utf8.count
    }

    /// The name under which this one is set aside. A long topic name is cut so that the whole fits into a file name.
    package func asided(_ kind: Kind, id: UUID128) -> PartitionDirectoryName {
        precondition(kind != .current, "setting aside needs another name")
        let ending = "-\(partition)." + String(repeating: "0", count: 32) + "-" + kind.rawValue
        let room = PartitionDirectoryName.lengthMax - ending.utf8.count
        return PartitionDirectoryName(
            topic: String(topic.prefix(room)), partition: partition, kind: kind, uniqueID: id)
    }

    /// Bytes in one file name at most, on every file system that matters.
    private static let lengthMax = 255

    package var description: String {
        let name = "\(topic)-\(partition)"
        guard let uniqueID else { return name }
        return "\(name).\(hexadecimal(uniqueID.high))\(hexadecimal(uniqueID.low))-\(kind.rawValue)"
    }

    private func hexadecimal(_ half: UInt64) -> String {
        let digits = String(half, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// Reads a directory's name; nil when it is none of a partition (A17: a name from the disk is not trusted either).
    package init?(_ name: String) {
        for kind in Kind.allCases where kind != .current && name.hasSuffix("-" + kind.rawValue) {
            let stem = name.dropLast(kind.rawValue.utf8.count + 1)
            guard let dot = stem.lastIndex(of: "."), let current = PartitionDirectoryName(current: stem[..<dot]),
                let id = PartitionDirectoryName.identifier(stem[stem.index(after: dot)...])
            else { continue }
            self.init(topic: current.topic, partition: current.partition, kind: kind, uniqueID: id)
            return
        }
        guard let current = PartitionDirectoryName(current: name[...]) else { return nil }
        self = current
    }

    private init?(current name: Substring) {
        guard let dash = name.lastIndex(of: "-") else { return nil }
        let topic = name[..<dash]
        let digits = name[name.index(after: dash)...]
        guard TopicName.problem(topic) == nil, !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let partition = Int32(digits), String(partition) == digits
        else { return nil }
        self.init(topic: String(topic), partition: PartitionIndex(partition))
    }

    private static func identifier(_ text: Substring) -> UUID128? {
        let isHexadecimal = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard text.utf8.count == 32, isHexadecimal, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        return UUID128(high: high, low: low)
    }
}
