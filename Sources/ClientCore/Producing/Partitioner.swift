package import Primitives

/// Chooses partitions as Kafka's default does: by the key's hash, or else one partition for a while (KIP-480, KIP-794).
package struct Partitioner: Hashable, Sendable {
    /// Bytes that go to one partition before records without a key turn to another.
    package let stickyBytes: Int
    private var sticky: [String: Stick] = [:]

    private struct Stick: Hashable {
        var partition: PartitionIndex
        var bytes: Int
    }

    package init(stickyBytes: Int = 16_384) { self.stickyBytes = stickyBytes }

    /// The partition of a record that has a key.
    package static func partition(ofKey key: [UInt8], partitionCount: Int) -> PartitionIndex {
        precondition(partitionCount > 0, "a topic has partitions")
        return PartitionIndex(Int32((Murmur2.hash(key) & 0x7fff_ffff) % UInt32(partitionCount)))
    }

    /// The partition of a record without a key; partitions with a leader go before those without.
    package mutating func partitionWithoutKey(
        topic: String, view: ClusterView, recordBytes: Int, using generator: inout some RandomNumberGenerator
    ) -> PartitionIndex? {
        guard let known = view.topics[topic], !known.partitions.isEmpty else { return nil }
        if var stick = sticky[topic], stick.bytes < stickyBytes,
            view.partition(TopicPartition(topic, stick.partition))?.leader != nil
        {
            stick.bytes += recordBytes
            sticky[topic] = stick
            return stick.partition
        }
        let led = known.partitions.filter { $0.leader != nil }
        let choices = led.isEmpty ? known.partitions : led
        let others = choices.count > 1 ? choices.filter { $0.index != sticky[topic]?.partition } : choices
        let chosen = others[Int(generator.next() % UInt64(others.count))].index
        sticky[topic] = Stick(partition: chosen, bytes: recordBytes)
        return chosen
    }
}
