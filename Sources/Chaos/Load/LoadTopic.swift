package import ClientCore
import Primitives

/// The topic that the load writes to and reads from.
package struct LoadTopic: Hashable, Sendable {
    package var name = "chaos"
    package var partitionCount: Int32 = 6
    package var recordBytes = 120
    /// Configs of the topic, `key=value`.
    package var configs: [String] = []
    /// Whether transactions are written to it: readers read what is committed only.
    package var isTransactional = false

    package init() {}

    /// The name that a partition has in the history, and its directory on the disk.
    package func key(_ partition: Int32) -> String { "\(name)-\(partition)" }

    /// A partition as clients name it.
    package func place(_ partition: Int32) -> TopicPartition { TopicPartition(name, PartitionIndex(partition)) }

    package var partitions: Range<Int32> { 0..<partitionCount }
}
