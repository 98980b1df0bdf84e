/// The topic that the load writes to and reads from.
package struct LoadTopic: Hashable, Sendable {
    package var name = "chaos"
    package var partitionCount: Int32 = 6
    package var recordBytes = 120
    /// Configs of the topic, `key=value`.
    package var configs: [String] = []

    package init() {}

    /// The name that a partition has in the history, and its directory on the disk.
    package func key(_ partition: Int32) -> String { "\(name)-\(partition)" }

    package var partitions: Range<Int32> { 0..<partitionCount }
}
