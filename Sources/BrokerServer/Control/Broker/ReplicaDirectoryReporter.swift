package import Logging
package import Metadata
package import Primitives
import WireMessages
package import World

/// Tells the controller in which log directory each replica of this broker is, where the metadata says otherwise: one
/// request at a time, with all that has come together meanwhile (KIP-858).
///
/// `@unchecked Sendable`: touched on the control loop only.
package final class ReplicaDirectoryReporter: MetadataSubscriber, @unchecked Sendable {
    /// Most replicas in one request, as Kafka has it.
    private static let assignmentsMax = 2_250
    private static let timeoutMilliseconds: Int64 = 30_000
    /// Wait before a report that failed, or could not be made yet, is tried again.
    private static let retryMilliseconds: Int64 = 200

    private let broker: BrokerID
    private let epoch: @Sendable () -> BrokerEpoch?
    private let channel: ControllerChannel
    private let world: World
    private let log: Logger
    /// The directory that holds a replica; nil where there is none, or it failed.
    private let directory: @Sendable (TopicPartitionID) -> DirectoryID?
    /// Replicas whose directory the controller is to learn; at most as many as there are replicas here.
    private var waiting: [TopicPartitionID: DirectoryID] = [:]
    private var isInFlight = false
    private var isRetryScheduled = false

    /// - Parameter epoch: the broker's present epoch.
    /// - Parameter directory: the directory that holds a replica; nil where there is none, or it failed.
    package init(
        broker: BrokerID, epoch: @escaping @Sendable () -> BrokerEpoch?, channel: ControllerChannel, world: World,
        log: Logger, directory: @escaping @Sendable (TopicPartitionID) -> DirectoryID?
    ) {
        self.broker = broker
        self.epoch = epoch
        self.channel = channel
        self.world = world
        self.log = log
        self.directory = directory
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        for topic in delta.deletedTopics {
            for index in topic.partitions.indices {
                waiting[TopicPartitionID(topic.id, PartitionIndex(Int32(index)))] = nil
            }
        }
        for id in delta.changedPartitions {
            guard let recorded = image.topics[id]?.directory(of: broker), let actual = directory(id),
                actual != recorded
            else {
                waiting[id] = nil
                continue
            }
            waiting[id] = actual
        }
        send()
    }

    private func send() {
        guard !isInFlight, !waiting.isEmpty else { return }
        guard let epoch = epoch() else { return retryLater() }
        let sent = Array(waiting.sorted { $0.key < $1.key }.prefix(ReplicaDirectoryReporter.assignmentsMax))
        for (id, _) in sent { waiting[id] = nil }
        isInFlight = true
        channel.send(
            request(sent, epoch), timeoutMilliseconds: ReplicaDirectoryReporter.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            self.isInFlight = false
            // A refused replica changed meanwhile: the metadata that says so brings it here again.
            if case .success(let response) = result, response.errorCode == .noError { return self.send() }
            self.log.warning("the directories of replicas could not be reported; it is tried again")
            for (id, directory) in sent where self.waiting[id] == nil { self.waiting[id] = directory }
            self.retryLater()
        }
    }

    private func retryLater() {
        guard !isRetryScheduled else { return }
        isRetryScheduled = true
        world.controlLoop.schedule(afterMilliseconds: ReplicaDirectoryReporter.retryMilliseconds) { [weak self] in
            self?.isRetryScheduled = false
            self?.send()
        }
    }

    private func request(
        _ assignments: [(key: TopicPartitionID, value: DirectoryID)], _ epoch: BrokerEpoch
    ) -> AssignReplicasToDirsRequest {
        var request = AssignReplicasToDirsRequest()
        request.brokerID = broker
        request.brokerEpoch = epoch
        // By directory, then by topic: what belongs together stands together.
        for (id, directory) in assignments.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
            if request.directories.last?.id != directory {
                var data = AssignReplicasToDirsRequest.DirectoryData()
                data.id = directory
                request.directories.append(data)
            }
            let last = request.directories.count - 1
            if request.directories[last].topics.last?.topicID != id.topic {
                var topic = AssignReplicasToDirsRequest.TopicData()
                topic.topicID = id.topic
                request.directories[last].topics.append(topic)
            }
            var partition = AssignReplicasToDirsRequest.PartitionData()
            partition.partitionIndex = id.index
            let topic = request.directories[last].topics.count - 1
            request.directories[last].topics[topic].partitions.append(partition)
        }
        return request
    }
}
