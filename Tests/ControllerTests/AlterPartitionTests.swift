import Controller
import Metadata
import Primitives
import Testing
import WireMessages

extension Cluster {
    /// A leader's proposal for partition 0 of `t`, with what the partition and the registrations say unless edited.
    mutating func alter(
        by sender: Int32, isr: [Int32], _ edit: (inout AlterPartitionRequest.PartitionData) -> Void = { _ in }
    ) throws -> AlterPartitionResponse.PartitionData {
        let partition = try partition()
        var data = AlterPartitionRequest.PartitionData()
        data.leaderEpoch = partition.leaderEpoch
        data.partitionEpoch = partition.partitionEpoch
        data.newIsrWithEpochs = isr.map {
            var member = AlterPartitionRequest.BrokerState()
            member.brokerID = BrokerID($0)
            member.brokerEpoch = epoch($0)
            return member
        }
        edit(&data)
        var topic = AlterPartitionRequest.TopicData()
        topic.topicID = image.topics[name: "t"]?.id ?? .zero
        topic.partitions = [data]
        var request = AlterPartitionRequest()
        request.brokerID = BrokerID(sender)
        request.brokerEpoch = epoch(sender)
        request.topics = [topic]
        return commit(controller.alterPartition(request)).topics[0].partitions[0]
    }
}

@Suite("ISR changes at the controller")
struct AlterPartitionTests {
    private func cluster(_ edit: (inout Cluster) -> Void = { _ in }) -> Cluster {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        edit(&cluster)
        return cluster
    }

    @Test("Rule 13: a fitting proposal is committed and answered with the new epochs; a repetition is refused")
    func accepted() throws {
        var cluster = cluster()
        let answer = try cluster.alter(by: 1, isr: [1, 2])
        #expect(answer.errorCode == .noError)
        #expect(answer.isr == [BrokerID(1), BrokerID(2)])
        #expect(answer.partitionEpoch == PartitionEpoch(1))
        #expect(answer.leaderEpoch == LeaderEpoch(0))
        #expect(try cluster.partition().isrNumbers == [1, 2])
        let late = try cluster.alter(by: 1, isr: [1]) { $0.partitionEpoch = PartitionEpoch(0) }
        #expect(late.errorCode == .invalidUpdateVersion)
    }

    @Test("Rule 14: who knows later epochs than the controller has a later controller")
    func zombie() throws {
        var cluster = cluster()
        #expect(try cluster.alter(by: 1, isr: [1]) { $0.leaderEpoch = LeaderEpoch(7) }.errorCode == .notController)
        #expect(
            try cluster.alter(by: 1, isr: [1]) { $0.partitionEpoch = PartitionEpoch(7) }.errorCode == .notController)
    }

    @Test("Rule 14: an old leader is fenced by epoch before anything else is looked at")
    func fenced() throws {
        var cluster = cluster { $0.fence(1) }
        let answer = try cluster.alter(by: 1, isr: [9]) { $0.leaderEpoch = LeaderEpoch(0) }
        #expect(answer.errorCode == .fencedLeaderEpoch)
    }

    @Test("Rule 14: only the leader may propose")
    func notLeader() throws {
        var cluster = cluster()
        #expect(try cluster.alter(by: 2, isr: [1, 2]).errorCode == .invalidRequest)
    }

    @Test(
        "Rule 14: an ISR lies within the replicas, has the leader and nobody twice",
        arguments: [[1, 9], [2, 3], [1, 1]])
    func shape(_ isr: [Int32]) throws {
        var cluster = cluster { $0.join(9) }
        #expect(try cluster.alter(by: 1, isr: isr).errorCode == .invalidRequest)
    }

    @Test("Rule 14: a fenced member, or one of an earlier life, is not taken in")
    func ineligible() throws {
        var cluster = cluster { $0.fence(3) }
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3]).errorCode == .ineligibleReplica)
        let earlier = try cluster.alter(by: 1, isr: [1, 2]) {
            $0.newIsrWithEpochs[1].brokerEpoch = BrokerEpoch($0.newIsrWithEpochs[1].brokerEpoch.value - 1)
        }
        #expect(earlier.errorCode == .ineligibleReplica)
    }

    @Test("Rule 13: after a refusal that lets a leader take its change back, a late copy of it changes nothing")
    func refusedForGood() throws {
        var cluster = cluster { $0.fence(3) }
        let before = try cluster.partition()
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3]).errorCode == .ineligibleReplica)
        cluster.heartbeat(3)
        let late = try cluster.alter(by: 1, isr: [1, 2, 3]) { $0.partitionEpoch = before.partitionEpoch }
        #expect(late.errorCode == .invalidUpdateVersion)
        let partition = try cluster.partition()
        #expect(partition.isr == before.isr && partition.leaderEpoch == before.leaderEpoch)
        #expect(partition.eligibleLeaderReplicas == before.eligibleLeaderReplicas)
        #expect(try cluster.alter(by: 1, isr: [1, 2, 3]).errorCode == .noError)
    }

    @Test("Rule 14: an epoch of −1 is no way around the check")
    func noWildcard() throws {
        var cluster = cluster()
        let answer = try cluster.alter(by: 1, isr: [1, 2]) { $0.newIsrWithEpochs[1].brokerEpoch = BrokerEpoch(-1) }
        #expect(answer.errorCode == .ineligibleReplica)
    }

    @Test("Rule 14: unknown topics and partitions have their own errors, a wrong sender epoch fails the whole")
    func unknown() throws {
        var cluster = cluster()
        #expect(
            try cluster.alter(by: 1, isr: [1]) { $0.partitionIndex = PartitionIndex(5) }.errorCode
                == .unknownTopicOrPartition)
        var request = AlterPartitionRequest()
        request.brokerID = BrokerID(1)
        request.brokerEpoch = BrokerEpoch(-1)
        #expect(cluster.controller.alterPartition(request).reply.errorCode == .staleBrokerEpoch)
    }

    @Test("Rule 16: after an unclean election the ISR stays the leader alone until it says that it recovered")
    func recovering() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2, configs: [("unclean.leader.election.enable", "true")])
        _ = try cluster.alter(by: 1, isr: [1])
        cluster.fence(1)
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().recoveryState == .recovering)
        cluster.heartbeat(1)
        let early = try cluster.alter(by: 2, isr: [1, 2]) { $0.leaderRecoveryState = 1 }
        #expect(early.errorCode == .invalidRequest)
        #expect(try cluster.alter(by: 2, isr: [1, 2]).errorCode == .noError)
        #expect(try cluster.partition().recoveryState == .recovered)
        let back = try cluster.alter(by: 2, isr: [2]) { $0.leaderRecoveryState = 1 }
        #expect(back.errorCode == .invalidRequest)
    }

    @Test("Rule 14: a proposal without broker epochs takes replicas out of the ISR, and brings none in")
    func withoutEpochs() throws {
        var cluster = cluster()
        let fewer = try cluster.alter(by: 1, isr: []) { $0.newIsr = [BrokerID(1), BrokerID(3)] }
        #expect(fewer.errorCode == .noError)
        #expect(try cluster.partition().isrNumbers == [1, 3])
        let more = try cluster.alter(by: 1, isr: []) { $0.newIsr = [BrokerID(1), BrokerID(2), BrokerID(3)] }
        #expect(more.errorCode == .ineligibleReplica)
    }
}
