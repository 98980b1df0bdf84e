import Metadata
import Primitives
import WireMessages

/// Operators who would rather have an old copy than wait for a good one: what that loses is lost, and nothing else.
extension ClusterSimulation {
    /// How long one replica is gone before the others are: long enough that they go on without it.
    private static let aheadMilliseconds: Int64 = 1_500
    private static let electionAttemptsMax = 30

    /// Kills those who have all of a partition, and asks for somebody else to lead. Where there is nobody else, one
    /// replica is left behind first.
    func electUnclean() {
        guard let (id, registration) = somePartition else { return }
        if outsiders(of: registration).isEmpty {
            guard let last = registration.isr.last else { return }
            outage(of: truth.machine(last)) { $0.kill() }
            return later(ClusterSimulation.aheadMilliseconds) { [self] in
                let machine = truth.machine(last)
                if machine.condition == .down { machine.start() }
                if let present = truth.partitions[id]?.registration { electOutsider(of: id, present) }
            }
        }
        electOutsider(of: id, registration)
    }

    private func outsiders(of registration: PartitionRegistration) -> [BrokerID] {
        let electable = registration.isr + registration.eligibleLeaderReplicas
        return registration.replicas.filter { !electable.contains($0) && truth.machine($0).condition == .running }
    }

    private func electOutsider(of id: TopicPartitionID, _ registration: PartitionRegistration) {
        guard !outsiders(of: registration).isEmpty else { return }
        for broker in registration.isr + registration.eligibleLeaderReplicas {
            outage(of: truth.machine(broker)) { $0.kill() }
        }
        log.add(0, "partition \(id.index) is to be led by anybody")
        truth.mayLose(id)
        var topic = ElectLeadersRequest.TopicPartitions()
        topic.topic = ClusterSimulation.topic
        topic.partitions = [id.index]
        var request = ElectLeadersRequest()
        request.electionType = 1
        request.topicPartitions = [topic]
        request.timeoutMilliseconds = 2_000
        admin.insist(on: request, attempts: ClusterSimulation.electionAttemptsMax) { response in
            let result = response.replicaElectionResults.first?.partitionResult.first?.errorCode
            return response.errorCode == .noError && (result == .noError || result == .electionNotNeeded)
        }
    }
}
