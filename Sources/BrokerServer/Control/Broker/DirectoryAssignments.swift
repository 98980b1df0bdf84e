package import Logging
package import Metadata
import OrderedCollections
package import Primitives
import WireMessages
package import World

/// Tells the controller in which of this broker's log directories each replica lies, where the metadata does not say it
/// (yet): only so does it know which replicas go when a directory fails (KIP-858).
///
/// One request at a time, with all that has come together; what was refused is told again after a pause, until the
/// metadata says it.
///
/// `@unchecked Sendable`: touched on the control loop only; `replica` goes there first.
package final class DirectoryAssignments: @unchecked Sendable {
    /// Most replicas in one request.
    private static let replicasMax = 2_000
    private static let timeoutMilliseconds: Int64 = 10_000
    /// The wait for what else comes, before a request.
    private static let gatherMilliseconds: Int64 = 10
    /// The wait before what was refused, or not answered, is told again.
    private static let retryMilliseconds: Int64 = 1_000

    private let broker: BrokerID
    private let epoch: @Sendable () -> BrokerEpoch?
    private let channel: ControllerChannel
    private let world: World
    private let log: Logger
    /// What the metadata does not say; bounded by the number of replicas here.
    private var untold: OrderedDictionary<TopicPartitionID, DirectoryID> = [:]
    /// A request is under way, or a timer for the next one.
    private var isBusy = false

    /// - Parameter epoch: the broker's present epoch.
    package init(
        broker: BrokerID, epoch: @escaping @Sendable () -> BrokerEpoch?, channel: ControllerChannel, world: World,
        log: Logger
    ) {
        self.broker = broker
        self.epoch = epoch
        self.channel = channel
        self.world = world
        self.log = log
    }

    /// A replica lies in `directory`, which the metadata does not say; nil where it does, or the replica is gone. From
    /// any thread.
    package func replica(_ partition: TopicPartitionID, liesIn directory: DirectoryID?) {
        guard world.controlLoop.isCurrent else {
            return world.controlLoop.execute { self.replica(partition, liesIn: directory) }
        }
        guard let directory else {
            untold[partition] = nil
            return
        }
        untold[partition] = directory
        if !isBusy { sendLater(DirectoryAssignments.gatherMilliseconds) }
    }

    private func sendLater(_ milliseconds: Int64) {
        isBusy = true
        world.controlLoop.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.send() }
    }

    private func send() {
        isBusy = false
        guard !untold.isEmpty else { return }
        guard let epoch = epoch() else { return sendLater(DirectoryAssignments.retryMilliseconds) }
        isBusy = true
        let told = Array(untold.elements.prefix(DirectoryAssignments.replicasMax))
        channel.send(
            request(told.map { ($0.key, $0.value) }, epoch),
            timeoutMilliseconds: DirectoryAssignments.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            if case .success(let response) = result, response.errorCode == .noError { self.taken(response) }
            // The metadata settles what was taken; what is left is told again.
            self.sendLater(DirectoryAssignments.retryMilliseconds)
        }
    }

    /// What the controller has written down need not be told again: the metadata is on its way. The rest goes to the
    /// end, so that what is refused again and again holds up nothing.
    private func taken(_ response: AssignReplicasToDirsResponse) {
        for directory in response.directories {
            for topic in directory.topics {
                for part in topic.partitions {
                    let id = TopicPartitionID(topic.topicID, part.partitionIndex)
                    guard untold[id] == directory.id else { continue }
                    untold[id] = nil
                    guard part.errorCode != .noError else { continue }
                    untold[id] = directory.id
                    log.debug(
                        "the controller does not take a replica's directory",
                        metadata: ["partition": "\(id)", "error": "\(part.errorCode)"])
                }
            }
        }
    }

    private func request(
        _ replicas: [(id: TopicPartitionID, directory: DirectoryID)], _ epoch: BrokerEpoch
    ) -> AssignReplicasToDirsRequest {
        var request = AssignReplicasToDirsRequest()
        request.brokerID = broker
        request.brokerEpoch = epoch
        let sorted = replicas.sorted { ($0.directory, $0.id) < ($1.directory, $1.id) }
        for (id, directory) in sorted {
            if request.directories.last?.id != directory {
                var data = AssignReplicasToDirsRequest.DirectoryData()
                data.id = directory
                request.directories.append(data)
            }
            let place = request.directories.count - 1
            if request.directories[place].topics.last?.topicID != id.topic {
                var data = AssignReplicasToDirsRequest.TopicData()
                data.topicID = id.topic
                request.directories[place].topics.append(data)
            }
            var part = AssignReplicasToDirsRequest.PartitionData()
            part.partitionIndex = id.index
            request.directories[place].topics[request.directories[place].topics.count - 1].partitions.append(part)
        }
        return request
    }
}
