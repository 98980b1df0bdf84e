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

    private struct Replica {
        let partition: Partition
        let position: Partition.Position
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
            replicas[partition.logDirectory, default: []].append(Replica(partition: partition, position: position))
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
            if result.topics.last?.name != replica.partition.topicName {
                var topic = DescribeLogDirsResponse.DescribeLogDirsTopic()
                topic.name = replica.partition.topicName
                result.topics.append(topic)
            }
            var part = DescribeLogDirsResponse.DescribeLogDirsPartition()
            part.partitionIndex = replica.partition.id.index
            part.partitionSize = replica.position.sizeBytes
            part.offsetLag = max(replica.position.highWatermark - replica.position.logEnd, 0)
            result.topics[result.topics.count - 1].partitions.append(part)
        }
        return result
    }
}
