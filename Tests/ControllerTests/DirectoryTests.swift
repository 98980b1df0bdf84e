import Controller
import Metadata
import Primitives
import Testing
import WireMessages

extension Cluster {
    /// A broker says that its replica of partition 0 of `t` is in a directory.
    mutating func assign(
        _ broker: Int32, to directory: DirectoryID, topic: TopicID? = nil, partition: Int32 = 0, epoch: Int64? = nil
    ) -> ErrorCode {
        var data = AssignReplicasToDirsRequest.PartitionData()
        data.partitionIndex = PartitionIndex(partition)
        var named = AssignReplicasToDirsRequest.TopicData()
        named.topicID = topic ?? image.topics.id(of: "t") ?? .zero
        named.partitions = [data]
        var place = AssignReplicasToDirsRequest.DirectoryData()
        place.id = directory
        place.topics = [named]
        var request = AssignReplicasToDirsRequest()
        request.brokerID = BrokerID(broker)
        request.brokerEpoch = epoch.map { BrokerEpoch($0) } ?? self.epoch(broker)
        request.directories = [place]
        let response = commit(controller.assignReplicasToDirectories(request))
        if response.errorCode != .noError { return response.errorCode }
        return response.directories[0].topics[0].partitions[0].errorCode
    }
}

@Suite("Directories of replicas")
struct DirectoryTests {
    private static let second = DirectoryID(high: 1_000, low: 99)

    /// Broker 1 has two directories, 2 and 3 have one; `t` is on 1 and 2.
    private func cluster() -> Cluster {
        var cluster = Cluster()
        var request = Cluster.registration(1)
        request.logDirs.append(Self.second)
        cluster.register(request)
        cluster.heartbeat(1)
        cluster.join(2)
        cluster.join(3)
        cluster.createTopic("t", partitions: -1, replicas: -1, assignments: [[1, 2]])
        return cluster
    }

    @Test("A replica on a broker with one directory is there; where there is a choice the broker tells")
    func assignment() throws {
        var cluster = cluster()
        #expect(try cluster.partition().directories == [.unassignedDirectory, DirectoryID(high: 1_000, low: 2)])
        #expect(cluster.assign(1, to: Self.second) == .noError)
        let partition = try cluster.partition()
        #expect(partition.directories == [Self.second, DirectoryID(high: 1_000, low: 2)])
        #expect(partition.leaderEpoch == LeaderEpoch(0) && partition.partitionEpoch == PartitionEpoch(1))
        let before = cluster.end
        #expect(cluster.assign(1, to: Self.second) == .noError)
        #expect(cluster.end == before)
    }

    @Test("Who is not the broker, or holds no replica, is refused")
    func refusals() {
        var cluster = cluster()
        #expect(cluster.assign(9, to: Self.second) == .brokerIDNotRegistered)
        #expect(cluster.assign(1, to: Self.second, epoch: 0) == .staleBrokerEpoch)
        #expect(cluster.assign(1, to: Self.second, topic: TopicID(high: 1, low: 1)) == .unknownTopicID)
        #expect(cluster.assign(1, to: Self.second, partition: 7) == .unknownTopicOrPartition)
        #expect(cluster.assign(3, to: DirectoryID(high: 1_000, low: 3)) == .notLeaderOrFollower)
    }

    @Test("A replica in a directory that is not in service leaves the ISR, and its leadership moves")
    func offline() throws {
        var cluster = cluster()
        #expect(cluster.assign(1, to: DirectoryID(high: 1_000, low: 500)) == .noError)
        let partition = try cluster.partition()
        #expect(partition.leader == BrokerID(2) && partition.isrNumbers == [2])
    }

    @Test("A replica that its broker calls lost leaves the ISR; one that it can't place yet stays there")
    func marks() throws {
        var cluster = cluster()
        #expect(cluster.assign(1, to: .unassignedDirectory) == .noError)
        #expect(try cluster.partition().leader == BrokerID(1))
        #expect(cluster.assign(2, to: .lostDirectory) == .noError)
        var partition = try cluster.partition()
        #expect(partition.isrNumbers == [1] && partition.directories[1] == .lostDirectory)
        // Nor may it lead, whatever happens to the others.
        cluster.fence(1)
        #expect(try cluster.partition().leader == nil)
        cluster.heartbeat(1)
        #expect(cluster.assign(2, to: DirectoryID(high: 1_000, low: 2)) == .noError)
        #expect(try cluster.alter(by: 1, isr: [1, 2]).errorCode == .noError)
        partition = try cluster.partition()
        #expect(partition.isrNumbers == [1, 2])
    }

    @Test("A replica on a new disk comes in sync only when the metadata says where it lies")
    func newDisk() throws {
        var cluster = cluster()
        cluster.fence(2)
        cluster.register(Cluster.registration(2, life: 2, directory: 77))
        cluster.heartbeat(2)
        #expect(try cluster.partition().isrNumbers == [1])
        #expect(try cluster.alter(by: 1, isr: [1, 2]).errorCode == .ineligibleReplica)
        #expect(cluster.assign(2, to: DirectoryID(high: 1_000, low: 77)) == .noError)
        #expect(try cluster.alter(by: 1, isr: [1, 2]).errorCode == .noError)
    }

    @Test("A recovery candidate on a new disk comes in sync beside a leader, and passes for nobody's candidate before")
    func newDiskOfCandidate() throws {
        var cluster = Cluster()
        for broker in Int32(1)...3 { cluster.join(broker) }
        cluster.createTopic(
            "t", partitions: -1, replicas: -1, configs: [("min.insync.replicas", "2")], assignments: [[1, 2, 3]])
        cluster.fence(3)
        cluster.fence(2)
        cluster.register(Cluster.registration(2, life: 2, directory: 77))
        cluster.heartbeat(2)
        var partition = try cluster.partition()
        #expect(partition.leader == BrokerID(1) && partition.lastKnownELR.contains(BrokerID(2)))
        #expect(try cluster.alter(by: 1, isr: [1, 2]).errorCode == .ineligibleReplica)
        #expect(cluster.assign(2, to: DirectoryID(high: 1_000, low: 77)) == .noError)
        partition = try cluster.partition()
        #expect(partition.directory(of: BrokerID(2)) == DirectoryID(high: 1_000, low: 77))
        #expect(!partition.lastKnownELR.contains(BrokerID(2)))
        #expect(try cluster.alter(by: 1, isr: [1, 2]).errorCode == .noError)
    }

    @Test("One request places replicas in several directories, and each is answered by itself")
    func several() throws {
        var cluster = cluster()
        cluster.createTopic("u", partitions: -1, replicas: -1, assignments: [[1, 3]])
        var request = AssignReplicasToDirsRequest()
        request.brokerID = BrokerID(1)
        request.brokerEpoch = cluster.epoch(1)
        request.directories = [("t", DirectoryID(high: 1_000, low: 1)), ("u", Self.second)].map { name, directory in
            var place = AssignReplicasToDirsRequest.DirectoryData()
            place.id = directory
            var topic = AssignReplicasToDirsRequest.TopicData()
            topic.topicID = cluster.image.topics.id(of: name) ?? .zero
            topic.partitions = ([0, 1] as [Int32]).map {
                var data = AssignReplicasToDirsRequest.PartitionData()
                data.partitionIndex = PartitionIndex($0)
                return data
            }
            place.topics = [topic]
            return place
        }
        let response = cluster.commit(cluster.controller.assignReplicasToDirectories(request))
        #expect(response.errorCode == .noError)
        #expect(response.directories.map(\.id) == request.directories.map(\.id))
        for directory in response.directories {
            #expect(directory.topics[0].partitions.map(\.errorCode) == [.noError, .unknownTopicOrPartition])
        }
        #expect(try cluster.partition("t").directory(of: BrokerID(1)) == DirectoryID(high: 1_000, low: 1))
        #expect(try cluster.partition("u").directory(of: BrokerID(1)) == Self.second)
    }

    @Test("A failed directory takes the leaderships of its own replicas only")
    func failure() throws {
        var cluster = cluster()
        cluster.createTopic("u", partitions: -1, replicas: -1, assignments: [[1, 2]])
        #expect(cluster.assign(1, to: Self.second) == .noError)
        let other = cluster.image.topics.id(of: "u")
        #expect(cluster.assign(1, to: DirectoryID(high: 1_000, low: 1), topic: other) == .noError)
        cluster.heartbeat(1) { $0.offlineLogDirs = [Self.second] }
        #expect(try cluster.partition("t").leader == BrokerID(2))
        #expect(try cluster.partition("u").leader == BrokerID(1))
        // Nor does an unclean election take it.
        #expect(cluster.setConfig("t", "unclean.leader.election.enable", "true").errorCode == .noError)
        cluster.fence(2)
        #expect(try cluster.partition("t").leader == nil)
    }

    @Test("A reassignment names the directory where there is only one")
    func reassigned() throws {
        var cluster = cluster()
        try cluster.reassign(to: [2, 3])
        #expect(
            try cluster.partition().directories
                == [2, 3].map { DirectoryID(high: 1_000, low: $0) } + [.unassignedDirectory])
    }
}
