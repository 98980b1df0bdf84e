import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Reassignments while brokers and topics come and go")
struct ReassignmentInTroubleTests {
    private func cluster(on replicas: [Int32] = [1, 2, 3], configs: [(String, String)] = []) -> Cluster {
        var cluster = Cluster(brokers: [1, 2, 3, 4, 5, 6])
        let made = cluster.createTopic("t", partitions: -1, replicas: -1, configs: configs, assignments: [replicas])
        #expect(made.errorCode == .noError)
        return cluster
    }

    private func delete(_ topic: String, in cluster: inout Cluster) -> ErrorCode? {
        var state = DeleteTopicsRequest.DeleteTopicState()
        state.name = topic
        var request = DeleteTopicsRequest()
        request.topics = [state]
        return cluster.commit(cluster.controller.deleteTopics(request)).responses.first?.errorCode
    }

    @Test("A target whose brokers are all fenced is waited for; the old replicas serve, and a cancellation is at once")
    func allTargetsFenced() throws {
        var cluster = cluster()
        for broker in [4, 5, 6] as [Int32] { cluster.fence(broker) }
        #expect(try cluster.reassign(to: [4, 5, 6]).errorCode == .noError)
        var partition = try cluster.partition()
        #expect(partition.leader == BrokerID(1) && partition.isrNumbers == [1, 2, 3])
        // Nobody who is fenced gets in, so the reassignment can't end.
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .ineligibleReplica)
        #expect(try cluster.reassign(to: nil).errorCode == .noError)
        partition = try cluster.partition()
        #expect(partition.replicaNumbers == [1, 2, 3] && partition.isrNumbers == [1, 2, 3])
        #expect(partition.leader == BrokerID(1) && cluster.reassignments() == [])
    }

    @Test("A topic that is deleted while it moves takes its reassignment along; made again, it moves nowhere")
    func deletion() throws {
        var cluster = cluster()
        let former = try #require(cluster.image.topics.id(of: "t"))
        try cluster.reassign(to: [4, 5, 6])
        let moving = try cluster.partition()
        #expect(delete("t", in: &cluster) == .noError)
        #expect(cluster.reassignments() == [])
        #expect(try cluster.reassign(to: nil).errorCode == .unknownTopicOrPartition)
        cluster.createTopic("t", partitions: -1, replicas: -1, assignments: [[1, 2, 3]])
        #expect(cluster.reassignments() == [])
        #expect(try cluster.reassign(to: nil).errorCode == .noReassignmentInProgress)
        // What the old topic's leader says late is about the old topic.
        var data = AlterPartitionRequest.PartitionData()
        data.leaderEpoch = moving.leaderEpoch
        data.partitionEpoch = moving.partitionEpoch
        var topic = AlterPartitionRequest.TopicData()
        topic.topicID = former
        topic.partitions = [data]
        var request = AlterPartitionRequest()
        request.brokerID = BrokerID(1)
        request.brokerEpoch = cluster.epoch(1)
        request.topics = [topic]
        let late = cluster.commit(cluster.controller.alterPartition(request))
        #expect(late.topics[0].partitions[0].errorCode == .unknownTopicID)
        #expect(try cluster.partition().replicaNumbers == [1, 2, 3])
    }

    @Test("Rule 21: a move to fewer replicas ends only when enough of them are in sync for min.insync.replicas")
    func minimumKept() throws {
        var cluster = cluster(configs: [("min.insync.replicas", "2")])
        cluster.fence(2)
        #expect(try cluster.partition().isrNumbers == [1, 3])
        try cluster.reassign(to: [1, 2])
        var partition = try cluster.partition()
        #expect(partition.isrNumbers == [1, 3] && partition.replicaNumbers == [1, 2, 3])
        cluster.heartbeat(2)
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3]).errorCode == .noError)
        partition = try cluster.partition()
        #expect(partition.replicaNumbers == [1, 2] && partition.isrNumbers == [1, 2])
    }

    @Test("Rule 21: the leader dies in the middle; the move goes on under another, and ends")
    func leaderDies() throws {
        var cluster = cluster(configs: [("min.insync.replicas", "2")])
        try cluster.reassign(to: [4, 5, 6])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 4]).errorCode == .noError)
        cluster.fence(1)
        var partition = try cluster.partition()
        #expect(partition.leader == BrokerID(4) && partition.isrNumbers == [4, 2, 3])
        #expect(cluster.reassignments() == ["t-0 [4, 5, 6, 1, 2, 3] +[4, 5, 6] -[1, 2, 3]"])
        #expect(try cluster.alter(by: 4, isr: [2, 3, 4, 5, 6]).errorCode == .noError)
        partition = try cluster.partition()
        #expect(partition.replicaNumbers == [4, 5, 6] && partition.isrNumbers == [4, 5, 6])
        #expect(partition.leader == BrokerID(4))
        // The old leader comes back and has no part in it.
        cluster.join(1, life: 2)
        #expect(try cluster.partition() == partition)
    }

    @Test("Three targets in a row: who is in none of them and holds nothing goes at once, and the last one counts")
    func overlapping() throws {
        var cluster = cluster(on: [1, 2])
        try cluster.reassign(to: [3, 4])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3]).errorCode == .noError)
        try cluster.reassign(to: [5, 6])
        // 3 is in sync, so it may be needed; 4 never was.
        #expect(try cluster.partition().replicaNumbers == [5, 6, 3, 1, 2])
        try cluster.reassign(to: [2, 6])
        let partition = try cluster.partition()
        #expect(Set(partition.replicaNumbers) == [1, 2, 3, 6] && partition.replicaNumbers.prefix(2) == [2, 6])
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3, 6]).errorCode == .newLeaderElected)
        let done = try cluster.partition()
        #expect(done.replicaNumbers == [2, 6] && done.isrNumbers == [2, 6] && done.leader == BrokerID(2))
        #expect(cluster.reassignments() == [])
    }

    @Test("An unregistered broker stays in the assignment it is part of, in sync with nothing, until it is moved off")
    func unregistered() throws {
        var cluster = cluster()
        cluster.fence(3)
        #expect(cluster.commit(cluster.controller.unregisterBroker(BrokerID(3))) == nil)
        #expect(try cluster.partition().replicaNumbers == [1, 2, 3])
        #expect(try cluster.partition().isrNumbers == [1, 2])
        // A target must be made of brokers that there are.
        #expect(try cluster.reassign(to: [1, 2, 3]).errorCode == .invalidReplicaAssignment)
        #expect(try cluster.reassign(to: [1, 2, 4]).errorCode == .noError)
        #expect(try cluster.alter(by: 1, isr: [1, 2, 4]).errorCode == .noError)
        #expect(try cluster.partition().replicaNumbers == [1, 2, 4])
    }
}
