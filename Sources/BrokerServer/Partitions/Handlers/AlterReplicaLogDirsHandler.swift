import Metadata
import Primitives
import Synchronization
package import WireMessages

/// AlterReplicaLogDirs (API key 34), versions 1 and 2: moves replicas of this broker to other log directories of it.
///
/// Answered when the moves have begun; DescribeLogDirs tells how far they are. The directory that a replica lies in
/// calls its move off. A replica that is named twice moves to the directory that is named last.
///
/// Errors for each partition: those of `ReplicaMoves.move`.
/// Source: KIP-113; KIP-858 for what the controller is told.
package struct AlterReplicaLogDirsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...2
    package static let listeners: ListenerKinds = .client

    private struct Place: Hashable {
        let topic: String
        let index: PartitionIndex
    }

    private let table: PartitionTable

    package init(table: PartitionTable) { self.table = table }

    package func handle(
        _ request: AlterReplicaLogDirsRequest, _ context: RequestContext, _ reply: Reply<AlterReplicaLogDirsResponse>
    ) {
        var wanted: [Place: String] = [:]
        var order: [Place] = []
        for directory in request.dirs {
            for topic in directory.topics {
                for index in topic.partitions {
                    let place = Place(topic: topic.name, index: index)
                    if wanted.updateValue(directory.path, forKey: place) == nil { order.append(place) }
                }
            }
        }
        var response = AlterReplicaLogDirsResponse()
        var topics: [String: Int] = [:]
        for place in order {
            guard let path = wanted[place] else { continue }
            var result = AlterReplicaLogDirsResponse.AlterReplicaLogDirPartitionResult()
            result.partitionIndex = place.index
            result.errorCode = table.move(place.topic, place.index, to: path)
            let topic = topics[place.topic] ?? response.results.count
            if topic == response.results.count {
                topics[place.topic] = topic
                var answer = AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult()
                answer.topicName = place.topic
                response.results.append(answer)
            }
            response.results[topic].partitions.append(result)
        }
        reply(response)
    }
}

extension PartitionTable {
    /// Begins to move a replica; see `ReplicaMoves.move`.
    func move(_ topic: String, _ index: PartitionIndex, to path: String) -> ErrorCode {
        let found = partition(topic, index)
        let error = moves.move(topic, index, found, to: path)
        // One that is here by the metadata but not in the table lies in a directory that does not work.
        guard error == .replicaNotAvailable, found == nil, awaiting.withLock({ $0 == nil }),
            !directories.all.allSatisfy({ $0.offlineReason == nil }),
            cache.current.topics[name: topic]?[index]?.replicas.contains(services.me) == true
        else { return error }
        return .kafkaStorageError
    }
}
