package import Primitives
package import World

/// The files of a log directory that hold an offset for each partition.
package struct OffsetCheckpoint: Hashable, Sendable {
    /// Which file.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Below it everything was flushed.
        case recoveryPoint = "recovery-point-offset-checkpoint"
        /// A hint only: the high watermark when it was last written (rule 10).
        case highWatermark = "replication-offset-checkpoint"
        case logStart = "log-start-offset-checkpoint"
        /// Below it everything was compacted.
        case cleaner = "cleaner-offset-checkpoint"
    }

    /// One partition's line.
    package struct Entry: Hashable, Sendable {
        package let topic: String
        package let partition: PartitionIndex
        package let offset: Offset

        package init(topic: String, partition: PartitionIndex, offset: Offset) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
        }
    }

    package var entries: [Entry]

    package init(entries: [Entry] = []) { self.entries = entries }

    /// The offset of a partition; nil where the file has none.
    package func offset(_ topic: String, _ partition: PartitionIndex) -> Offset? {
        entries.first { $0.topic == topic && $0.partition == partition }?.offset
    }

    package var encoded: [UInt8] {
        CheckpointText(lines: entries.map { "\($0.topic) \($0.partition) \($0.offset)" }).encoded
    }

    /// Nil when the content is torn or no checkpoint.
    package init?(encoded content: [UInt8]) {
        do throws(CheckpointText.Damage) { try self.init(content) } catch { return nil }
    }

    private init(_ content: [UInt8]) throws(CheckpointText.Damage) {
        entries = []
        for (index, line) in try CheckpointText(encoded: content).lines.enumerated() {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let partition = Int32(fields[1]), let offset = Int64(fields[2]), offset >= 0
            else {
                throw CheckpointText.Damage(
                    line: CheckpointText.line(ofEntry: index), reason: "expected a topic, a partition and an offset")
            }
            entries.append(
                Entry(topic: String(fields[0]), partition: PartitionIndex(partition), offset: Offset(offset)))
        }
    }

    /// Reads a directory's file; empty when it is missing, `malformed` with its line when it is damaged.
    package static func read(
        _ kind: Kind, in directory: String, _ files: any FileStore
    ) throws(DirectoryFileError) -> OffsetCheckpoint {
        let path = directory + "/" + kind.rawValue
        guard files.exists(path) else { return OffsetCheckpoint() }
        let content: [UInt8]
        do throws(FileError) { content = try files.readAll(path) } catch { throw .file(error) }
        do throws(CheckpointText.Damage) { return try OffsetCheckpoint(content) } catch {
            throw .malformed(path: path, reason: "\(error)")
        }
    }

    /// Replaces a directory's file durably; blocks.
    package func write(_ kind: Kind, in directory: String, _ files: any FileStore) throws(FileError) {
        try files.replace(directory + "/" + kind.rawValue, with: encoded)
    }
}
