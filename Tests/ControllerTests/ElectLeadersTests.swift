import Controller
import Metadata
import Primitives
import Testing
import WireMessages

extension Cluster {
    /// Asks for elections; of all partitions where none is named. The answer is flat.
    mutating func elect(
        _ kind: Int8, _ topic: String = "t", partitions: [Int32]? = nil
    ) throws -> [ElectLeadersResponse.PartitionResult] {
        var request = ElectLeadersRequest()
        request.electionType = kind
        request.topicPartitions = partitions.map { partitions in
            var asked = ElectLeadersRequest.TopicPartitions()
            asked.topic = topic
            asked.partitions = partitions.map { PartitionIndex($0) }
            return [asked]
        }
        let response = commit(controller.electLeaders(request))
        #expect(response.errorCode == .noError)
        return response.replicaElectionResults.flatMap(\.partitionResult)
    }
}

@Suite("Elections on request")
struct ElectLeadersTests {
    private static let preferred: Int8 = 0
    private static let unclean: Int8 = 1

    private func moved() throws -> Cluster {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", partitions: 3)
        cluster.fence(1)
        cluster.heartbeat(1)
        #expect(try cluster.partition("t", 0).leader == BrokerID(2))
        return cluster
    }

    @Test("The preferred leader is elected where it is in sync, is refused where not, and not needed where it leads")
    func preferred() throws {
        var cluster = try moved()
        let early = try cluster.elect(Self.preferred, partitions: [0])
        #expect(early.map(\.errorCode) == [.preferredLeaderNotAvailable])
        #expect(early.first?.errorMessage == "The preferred leader was not available.")
        #expect(try cluster.alter(by: 2, isr: [1, 2, 3]).errorCode == .noError)
        let answers = try cluster.elect(Self.preferred, partitions: [0, 1, 9])
        #expect(answers.map(\.errorCode) == [.noError, .electionNotNeeded, .unknownTopicOrPartition])
        #expect(answers[0].errorMessage == nil)
        #expect(answers[1].errorMessage == "Leader election not needed for topic partition.")
        #expect(answers[2].errorMessage == "No such partition as t-9")
        #expect(try cluster.partition().leader == BrokerID(1))
        #expect(try cluster.partition().leaderEpoch == LeaderEpoch(2))
        let unknown = try cluster.elect(Self.preferred, "no", partitions: [0])
        #expect(unknown.map(\.errorMessage) == ["No such topic as no"])
    }

    @Test("Without partitions all are looked at, and those that need no election are not named")
    func all() throws {
        var cluster = try moved()
        #expect(try cluster.alter(by: 2, isr: [1, 2, 3]).errorCode == .noError)
        cluster.createTopic("u", partitions: 2)
        let answers = try cluster.elect(Self.preferred)
        #expect(answers.map(\.errorCode) == [.noError])
        #expect(try cluster.elect(Self.preferred).isEmpty)
        #expect(try cluster.elect(Self.unclean).isEmpty)
    }

    @Test("An election by an operator is unclean only where nobody leads and nobody surely has all")
    func unclean() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2)
        #expect(try cluster.elect(Self.unclean, partitions: [0]).map(\.errorCode) == [.electionNotNeeded])
        cluster.fence(2)
        cluster.fence(1)
        let dark = try cluster.elect(Self.unclean, partitions: [0])
        #expect(dark.map(\.errorCode) == [.eligibleLeadersNotAvailable])
        #expect(dark.first?.errorMessage == "Eligible topic partition leaders are not available.")
        cluster.heartbeat(2)
        #expect(try cluster.partition().leader == nil)
        #expect(try cluster.elect(Self.unclean, partitions: [0]).map(\.errorCode) == [.noError])
        let partition = try cluster.partition()
        #expect(partition.leader == BrokerID(2) && partition.isrNumbers == [2])
        // Rule 16: it says so, until it has recovered.
        #expect(partition.recoveryState == .recovering)
        #expect(partition.elrNumbers == [])
    }

    @Test("An operator's election takes the recovery candidate that reported most")
    func candidates() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "3")])
        for broker in 1...3 as ClosedRange<Int32> { cluster.register(Cluster.registration(broker, life: 2)) }
        for broker in 1...2 as ClosedRange<Int32> { cluster.heartbeat(broker) }
        #expect(try cluster.partition().candidateNumbers == [1, 2, 3])
        for (broker, end) in [(1, 5), (2, 9)] as [(Int32, Int64)] {
            let partition = try cluster.partition()
            let id = TopicPartitionID(try #require(cluster.image.topics.id(of: "t")), PartitionIndex(0))
            let report = RecoveryReport(
                partition: id, leaderEpoch: partition.leaderEpoch,
                directory: DirectoryID(high: 1_000, low: UInt64(broker)), lastEpoch: LeaderEpoch(0),
                logEnd: Offset(end))
            cluster.commit(
                cluster.controller.report(
                    [report], from: BrokerID(broker), epoch: cluster.epoch(broker), nextOffset: cluster.end,
                    now: cluster.now))
        }
        // 3 is missing: without a word of an operator it would be waited for.
        #expect(try cluster.partition().leader == nil)
        #expect(try cluster.elect(Self.unclean, partitions: [0]).map(\.errorCode) == [.noError])
        #expect(try cluster.partition().leader == BrokerID(2))
    }

    @Test("An unknown kind of election is refused as a whole")
    func unknownKind() throws {
        var cluster = try moved()
        var request = ElectLeadersRequest()
        request.electionType = 2
        #expect(cluster.commit(cluster.controller.electLeaders(request)).errorCode == .invalidRequest)
    }

    @Test("Leaderships return to preferred replicas, so many at once as is said")
    func rebalance() throws {
        var cluster = try moved()
        cluster.fence(2)
        cluster.heartbeat(2)
        for index in 0...2 {
            let partition = try cluster.partition("t", index)
            let leader = try #require(partition.leader).value
            let answer = try cluster.alter(by: leader, isr: [1, 2, 3]) { data in
                data.partitionIndex = PartitionIndex(Int32(index))
                data.leaderEpoch = partition.leaderEpoch
                data.partitionEpoch = partition.partitionEpoch
            }
            #expect(answer.errorCode == .noError)
        }
        #expect(cluster.commit(cluster.controller.rebalanceLeaders(countMax: 1)) == 1)
        #expect(cluster.commit(cluster.controller.rebalanceLeaders(countMax: 10)) == 1)
        #expect(cluster.commit(cluster.controller.rebalanceLeaders(countMax: 10)) == 0)
        #expect(try (0...2).map { try cluster.partition("t", $0).leader } == [BrokerID(1), BrokerID(2), BrokerID(3)])
    }

    @Test("A topic that is allowed unclean elections later gets a leader then")
    func allowedLater() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2)
        cluster.fence(2)
        cluster.fence(1)
        cluster.heartbeat(2)
        #expect(cluster.commit(cluster.controller.electMissingLeaders(countMax: 10)) == 0)
        #expect(cluster.setConfig("t", "unclean.leader.election.enable", "true").errorCode == .noError)
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().recoveryState == .recovering)
    }
}
