import Controller
import Metadata
import Primitives
import Testing
import WireMessages

extension Cluster {
    /// Asks for a reassignment of partition 0 of `t`; without replicas for its cancellation.
    @discardableResult
    mutating func reassign(
        to replicas: [Int32]?, topic: String = "t", partition: Int32 = 0, allowsFactorChange: Bool = true
    ) throws -> AlterPartitionReassignmentsResponse.ReassignablePartitionResponse {
        var data = AlterPartitionReassignmentsRequest.ReassignablePartition()
        data.partitionIndex = PartitionIndex(partition)
        data.replicas = replicas.map { $0.map { BrokerID($0) } }
        var asked = AlterPartitionReassignmentsRequest.ReassignableTopic()
        asked.name = topic
        asked.partitions = [data]
        var request = AlterPartitionReassignmentsRequest()
        request.allowReplicationFactorChange = allowsFactorChange
        request.topics = [asked]
        let response = commit(controller.alterPartitionReassignments(request))
        #expect(response.errorCode == .noError)
        return try #require(response.responses.first?.partitions.first)
    }

    /// What is underway as ListPartitionReassignments says: topic, partition, replicas, adding, removing.
    func reassignments(_ topics: [(String, [Int32])]? = nil) -> [String] {
        var request = ListPartitionReassignmentsRequest()
        request.topics = topics.map { asked in
            asked.map { name, partitions in
                var topic = ListPartitionReassignmentsRequest.ListPartitionReassignmentsTopics()
                topic.name = name
                topic.partitionIndexes = partitions.map { PartitionIndex($0) }
                return topic
            }
        }
        return controller.listPartitionReassignments(request).topics.flatMap { topic in
            topic.partitions.map { partition in
                "\(topic.name)-\(partition.partitionIndex) \(partition.replicas.map(\.value)) "
                    + "+\(partition.addingReplicas.map(\.value)) -\(partition.removingReplicas.map(\.value))"
            }
        }
    }
}

extension PartitionRegistration {
    fileprivate var addingNumbers: [Int32] { addingReplicas.map(\.value) }
    fileprivate var removingNumbers: [Int32] { removingReplicas.map(\.value) }
}

@Suite("Reassignments")
struct ReassignmentTests {
    private func cluster(
        brokers: [Int32] = [1, 2, 3, 4, 5, 6], on replicas: [Int32] = [1, 2, 3], configs: [(String, String)] = []
    ) -> Cluster {
        var cluster = Cluster(brokers: brokers)
        let made = cluster.createTopic("t", partitions: -1, replicas: -1, configs: configs, assignments: [replicas])
        #expect(made.errorCode == .noError)
        return cluster
    }

    @Test("Rule 21: replicas are added, catch up, and only then the others go; the leader moves with them")
    func growCatchUpShrink() throws {
        var cluster = cluster()
        #expect(try cluster.reassign(to: [4, 5, 6]).errorCode == .noError)
        var partition = try cluster.partition()
        #expect(partition.replicaNumbers == [4, 5, 6, 1, 2, 3])
        #expect(partition.addingNumbers == [4, 5, 6] && partition.removingNumbers == [1, 2, 3])
        #expect(partition.isrNumbers == [1, 2, 3] && partition.leader == BrokerID(1))
        #expect(partition.leaderEpoch == LeaderEpoch(0))
        #expect(cluster.reassignments() == ["t-0 [4, 5, 6, 1, 2, 3] +[4, 5, 6] -[1, 2, 3]"])

        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .noError)
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4, 5]).errorCode == .noError)
        partition = try cluster.partition()
        #expect(partition.isrNumbers == [4, 5, 1, 2, 3] && partition.removingNumbers == [1, 2, 3])

        let last = try cluster.alter(by: 1, isr: [1, 2, 3, 4, 5, 6])
        #expect(last.errorCode == .newLeaderElected)
        partition = try cluster.partition()
        #expect(partition.replicaNumbers == [4, 5, 6] && partition.isrNumbers == [4, 5, 6])
        #expect(partition.addingNumbers == [] && partition.removingNumbers == [])
        #expect(partition.leader == BrokerID(4) && partition.leaderEpoch == LeaderEpoch(1))
        #expect(partition.directories.count == 3 && !partition.directories.contains(.unassignedDirectory))
        #expect(cluster.reassignments() == [])
    }

    @Test("Rule 21: a follower that removed replicas outlive does not complete it; every target must be in sync")
    func allTargets() throws {
        var cluster = cluster()
        cluster.fence(3)
        #expect(try cluster.partition().isrNumbers == [1, 2])
        // 3 stays by the new target, and is away.
        try cluster.reassign(to: [3, 4])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 4]).errorCode == .noError)
        #expect(try cluster.partition().replicaNumbers == [3, 4, 1, 2])
        cluster.heartbeat(3)
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .newLeaderElected)
        #expect(try cluster.partition().replicaNumbers == [3, 4])
    }

    @Test("Taking replicas away, and a new order, are done at once where the others are in sync")
    func atOnce() throws {
        var cluster = cluster()
        try cluster.reassign(to: [3, 1])
        var partition = try cluster.partition()
        #expect(partition.replicaNumbers == [3, 1] && partition.removingNumbers == [])
        // The same leader, in a new epoch: the one who went must not be heard any more.
        #expect(partition.leader == BrokerID(1) && partition.leaderEpoch == LeaderEpoch(1))
        try cluster.reassign(to: [1, 3])
        partition = try cluster.partition()
        #expect(partition.replicaNumbers == [1, 3] && partition.leaderEpoch == LeaderEpoch(1))
        let before = cluster.end
        try cluster.reassign(to: [1, 3])
        #expect(cluster.end == before)
    }

    @Test("A replica is added without a new leader epoch, and the same leader answers its last ISR change")
    func onlyAdding() throws {
        var cluster = cluster(on: [1])
        try cluster.reassign(to: [1, 2, 3])
        #expect(try cluster.partition().addingNumbers == [2, 3])
        #expect(try cluster.alter(by: 1, isr: [1, 2]).errorCode == .noError)
        let last = try cluster.alter(by: 1, isr: [1, 2, 3])
        #expect(last.errorCode == .noError && last.leaderEpoch == LeaderEpoch(0))
        #expect(try cluster.partition().addingNumbers == [])
        #expect(try cluster.partition().replicaNumbers == [1, 2, 3])
    }

    @Test("A cancelled reassignment leaves the replicas that were there before, and no other in the ISR")
    func cancel() throws {
        var cluster = cluster()
        try cluster.reassign(to: [4, 5, 2])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .noError)
        #expect(try cluster.reassign(to: nil).errorCode == .noError)
        let partition = try cluster.partition()
        #expect(Set(partition.replicaNumbers) == [1, 2, 3] && Set(partition.isrNumbers) == [1, 2, 3])
        #expect(partition.leader == BrokerID(1) && partition.leaderEpoch == LeaderEpoch(1))
        #expect(try cluster.reassign(to: nil).errorCode == .noReassignmentInProgress)
    }

    @Test("A cancellation moves the lead off an added replica")
    func cancelMovesLeader() throws {
        var cluster = cluster()
        try cluster.reassign(to: [4, 5])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .noError)
        cluster.fence(1)
        #expect(try cluster.partition().leader == BrokerID(4))
        try cluster.reassign(to: nil)
        let partition = try cluster.partition()
        #expect(partition.leader == BrokerID(2) && partition.isrNumbers == [2, 3])
    }

    @Test("A cancellation that would lose what is committed is refused, unless unclean elections are allowed")
    func uncleanCancel() throws {
        func lone(_ configs: [(String, String)]) throws -> Cluster {
            var cluster = cluster(on: [1], configs: configs)
            try cluster.reassign(to: [4, 5])
            #expect(try cluster.alter(by: 1, isr: [1, 4]).errorCode == .noError)
            cluster.fence(1)
            #expect(try cluster.partition().isrNumbers == [4])
            return cluster
        }
        var strict = try lone([])
        let refused = try strict.reassign(to: nil)
        #expect(refused.errorCode == .invalidReplicaAssignment)
        #expect(
            refused.errorMessage
                == "Unable to revert partition assignment for t:0 because it would require an unclean leader election.")
        #expect(try strict.partition().addingNumbers == [4, 5])
        var lenient = try lone([("unclean.leader.election.enable", "true")])
        #expect(try lenient.reassign(to: nil).errorCode == .noError)
        #expect(try lenient.partition().replicaNumbers == [1])
        #expect(try lenient.partition().leader == nil)
        lenient.heartbeat(1)
        #expect(try lenient.partition().leader == BrokerID(1))
        #expect(try lenient.partition().recoveryState == .recovering)
    }

    @Test("While a partition recovers no replica is given up: the whole log may be that of one that is being added")
    func recovering() throws {
        var cluster = cluster(on: [1, 2])
        try cluster.reassign(to: [4, 5])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 4]).errorCode == .noError)
        // All three crashed at once; 4 is seen to come back before the other two and is no candidate.
        for broker in [4, 1, 2] as [Int32] { cluster.join(broker, life: 2) }
        let candidates = try cluster.partition().candidateNumbers
        try #require(!candidates.isEmpty && !candidates.contains(4))
        #expect(try cluster.reassign(to: nil).errorCode == .invalidReplicaAssignment)
        #expect(try cluster.partition().replicaNumbers.contains(4))
        // Another target may be named meanwhile; who is not in it stays until it is done.
        #expect(try cluster.reassign(to: [1, 6]).errorCode == .noError)
        #expect(Set(try cluster.partition().replicaNumbers) == [1, 2, 4, 5, 6])
    }

    @Test("An eligible original replica lets a reassignment be cancelled cleanly")
    func cancelToEligible() throws {
        var cluster = cluster(on: [1, 2], configs: [("min.insync.replicas", "2")])
        try cluster.reassign(to: [4, 5])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 4]).errorCode == .noError)
        cluster.fence(2)
        cluster.fence(1)
        #expect(try cluster.partition().isrNumbers == [4])
        #expect(try cluster.partition().elrNumbers == [1])
        #expect(try cluster.reassign(to: nil).errorCode == .noError)
        #expect(try cluster.partition().elrNumbers == [1])
        cluster.heartbeat(1)
        #expect(try cluster.partition().leader == BrokerID(1))
        #expect(try cluster.partition().recoveryState == .recovered)
    }

    @Test("A new target replaces the one before; cancelled, it leads back to the first replicas")
    func overlapping() throws {
        var other = cluster()
        try other.reassign(to: [4, 5, 6])
        #expect(try other.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .noError)
        // 5 and 6 hold nothing that is needed and go at once; 4 is in sync and stays until the end.
        try other.reassign(to: [1, 2, 6])
        let partition = try other.partition()
        #expect(partition.replicaNumbers == [1, 2, 6, 4, 3])
        #expect(partition.addingNumbers == [4, 6] && partition.removingNumbers == [3, 4])
        var cancelled = other
        try cancelled.reassign(to: nil)
        #expect(Set(try cancelled.partition().replicaNumbers) == [1, 2, 3])
        #expect(Set(try cancelled.partition().isrNumbers) == [1, 2, 3])
        _ = try other.alter(by: 1, isr: [1, 2, 3, 4, 6])
        #expect(try other.partition().replicaNumbers == [1, 2, 6])
        #expect(Set(try other.partition().isrNumbers) == [1, 2, 6])
    }

    @Test("A new target that is the present one ends the reassignment")
    func backToStart() throws {
        var cluster = cluster()
        try cluster.reassign(to: [4, 5, 6])
        try cluster.reassign(to: [1, 2, 3])
        #expect(try cluster.partition().replicaNumbers == [1, 2, 3])
        #expect(cluster.reassignments() == [])
    }

    @Test("The completion takes removed replicas out of the ISR and the eligible ones, never below the minimum")
    func neverBelowMinimum() throws {
        var cluster = cluster(configs: [("min.insync.replicas", "2")])
        cluster.fence(3)
        cluster.fence(2)
        #expect(try cluster.partition().elrNumbers == [2])
        try cluster.reassign(to: [4, 5])
        #expect(try cluster.alter(by: 1, isr: [1, 4]).errorCode == .noError)
        #expect(try cluster.partition().replicaNumbers.count == 5)
        #expect(try cluster.alter(by: 1, isr: [1, 4, 5]).errorCode == .newLeaderElected)
        let partition = try cluster.partition()
        #expect(partition.isrNumbers == [4, 5] && partition.elrNumbers == [] && partition.lastKnownELR == [])
    }

    @Test("Every refusal has Kafka's code and text")
    func refusals() throws {
        var cluster = cluster(brokers: [1, 2, 3, 4])
        let unknown = try cluster.reassign(to: [1], topic: "no")
        #expect(unknown.errorCode == .unknownTopicOrPartition)
        #expect(unknown.errorMessage == "Unable to find a topic named no.")
        let partition = try cluster.reassign(to: [1], partition: 7)
        #expect(partition.errorCode == .unknownTopicOrPartition)
        #expect(partition.errorMessage == "Unable to find partition t:7.")
        #expect(try cluster.reassign(to: []).errorCode == .invalidReplicaAssignment)
        #expect(try cluster.reassign(to: [1, 1]).errorCode == .invalidReplicaAssignment)
        let stranger = try cluster.reassign(to: [1, 9])
        #expect(stranger.errorCode == .invalidReplicaAssignment)
        #expect(
            stranger.errorMessage
                == "The manual partition assignment includes broker 9, but no such broker is registered.")
        let factor = try cluster.reassign(to: [1, 2], allowsFactorChange: false)
        #expect(factor.errorCode == .invalidReplicationFactor)
        #expect(factor.errorMessage == "The replication factor is changed from 3 to 2")
        #expect(try cluster.reassign(to: [1, 2, 4], allowsFactorChange: false).errorCode == .noError)
        // Underway, the factor is that of the target.
        #expect(try cluster.reassign(to: [1, 4, 3], allowsFactorChange: false).errorCode == .noError)
        #expect(
            try cluster.reassign(to: nil, topic: "t").errorCode == .noError
                && cluster.reassign(to: nil).errorMessage == "No partition reassignment is in progress.")
    }

    @Test("What is underway is listed in all, or by topic and partition; the unknown is left out")
    func listing() throws {
        var cluster = cluster()
        cluster.createTopic("u", partitions: -1, replicas: -1, assignments: [[1], [2]])
        cluster.createTopic("v", partitions: -1, replicas: -1, assignments: [[1], [2]])
        try cluster.reassign(to: [4], topic: "v", partition: 1)
        try cluster.reassign(to: [4])
        #expect(cluster.reassignments() == ["t-0 [4, 1, 2, 3] +[4] -[1, 2, 3]", "v-1 [4, 2] +[4] -[2]"])
        #expect(cluster.reassignments([("v", [0, 1, 9]), ("no", [0])]) == ["v-1 [4, 2] +[4] -[2]"])
        #expect(cluster.reassignments([]) == [])
    }

    @Test("A target's broker that is away is waited for; the reassignment outlives its restart")
    func offlineTarget() throws {
        var cluster = cluster()
        cluster.fence(4)
        #expect(try cluster.reassign(to: [4, 2, 3]).errorCode == .noError)
        #expect(try cluster.partition().leader == BrokerID(1))
        cluster.join(4, life: 2)
        #expect(try cluster.partition().addingNumbers == [4])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .newLeaderElected)
        #expect(try cluster.partition().replicaNumbers == [4, 2, 3])
    }

    @Test("No unclean election takes a replica that is only just being added, unless an operator says so")
    func uncleanElectionWhileAdding() throws {
        var cluster = cluster(on: [1], configs: [("unclean.leader.election.enable", "true")])
        try cluster.reassign(to: [4])
        cluster.fence(1)
        cluster.join(1, life: 2)
        cluster.fence(1)
        #expect(try cluster.partition().leader == nil)
        #expect(try cluster.elect(1, partitions: [0]).first?.errorCode == .noError)
        #expect(try cluster.partition().leader == BrokerID(4))
        #expect(try cluster.partition().recoveryState == .recovering)
    }
}
