import Metadata
import Primitives
package import WireMessages
package import World

/// DescribeLogDirs (API key 35), versions 1 to 5: what lies in each log directory of this broker, and how full its disk
/// is.
///
/// Errors: `KAFKA_STORAGE_ERROR` for a directory that is offline; what was in it is not listed.
/// Source: KIP-113, KIP-827 (sizes of disks), KIP-1066 (cordoned directories, of which there are none).
package struct DescribeLogDirsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...5
    package static let listeners: ListenerKinds = .client

    /// A replica in a directory, or the copy of one that moves there.
    private struct Replica {
        let topic: String
        let index: PartitionIndex
        let sizeBytes: Int64
        let lag: Int64
        var isFuture = false
    }

    private let table: PartitionTable
    private let world: World

    package init(table: PartitionTable, world: World) {
        self.table = table
        self.world = world
    }

    package func handle(
        _ request: DescribeLogDirsRequest, _ context: RequestContext, _ reply: Reply<DescribeLogDirsResponse>
    ) {
        // Asking a disk how full it is may wait for it.
        world.pool.run { reply(self.response(to: request)) }
    }

    private func response(to request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        let wanted = request.topics.map { topics in
            Dictionary(topics.map { ($0.topic, Set($0.partitions)) }, uniquingKeysWith: { $0.union($1) })
        }
        var replicas: [String: [Replica]] = [:]
        for partition in table.all {
            if let wanted, wanted[partition.topicName]?.contains(partition.id.index) != true { continue }
            guard let position = partition.position else { continue }
            let (name, index) = (partition.topicName, partition.id.index)
            replicas[partition.logDirectory, default: []].append(
                Replica(
                    topic: name, index: index, sizeBytes: position.sizeBytes,
                    lag: max(position.highWatermark - position.logEnd, 0)))
            guard let move = table.moves.move(of: partition)?.figures, move.destination != partition.logDirectory
            else { continue }
            let isOpen = move.copyDirectory == move.destination
            replicas[move.destination, default: []].append(
                Replica(
                    topic: name, index: index, sizeBytes: isOpen ? move.sizeBytes : 0,
                    lag: position.logEnd - (isOpen ? move.endOffset : .zero), isFuture: true))
        }
        var response = DescribeLogDirsResponse()
        response.results = table.directories.all.map { describe($0, replicas[$0.path] ?? []) }
        return response
    }

    private func describe(
        _ directory: DataDirectories.Listed, _ replicas: [Replica]
    ) -> DescribeLogDirsResponse.DescribeLogDirsResult {
        var result = DescribeLogDirsResponse.DescribeLogDirsResult()
        result.logDir = directory.path
        guard directory.offlineReason == nil else {
            result.errorCode = .kafkaStorageError
            return result
        }
        result.totalBytes = (try? world.files.totalBytes(directory.path)) ?? -1
        result.usableBytes = (try? world.files.freeBytes(directory.path)) ?? -1
        for replica in replicas {
            if result.topics.last?.name != replica.topic {
                var topic = DescribeLogDirsResponse.DescribeLogDirsTopic()
                topic.name = replica.topic
                result.topics.append(topic)
            }
            var part = DescribeLogDirsResponse.DescribeLogDirsPartition()
            part.partitionIndex = replica.index
            part.partitionSize = replica.sizeBytes
            part.offsetLag = replica.lag
            part.isFutureKey = replica.isFuture
            result.topics[result.topics.count - 1].partitions.append(part)
        }
        return result
    }
}
