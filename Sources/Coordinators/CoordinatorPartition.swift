package import Primitives

/// Which partition of a coordinator's topic a group or transactional id belongs to.
package enum CoordinatorPartition {
    /// The partition of `key` among `count`: Java's `String.hashCode`, its sign bit cleared, modulo the count.
    ///
    /// - Source: `Utils.abs(key.hashCode) % count`; every Kafka version places groups so.
    package static func index(of key: String, among count: Int32) -> PartitionIndex {
        precondition(count > 0, "a coordinator's topic has partitions")
        return PartitionIndex((javaHash(key) & Int32.max) % count)
    }

    /// Java's hash of a string, over its UTF-16 units.
    static func javaHash(_ text: String) -> Int32 {
        var hash: Int32 = 0
        for unit in text.utf16 { hash = hash &* 31 &+ Int32(unit) }
        return hash
    }
}
