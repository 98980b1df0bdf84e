import Controller
import Metadata
import Primitives
import Testing
import WireMessages

/// A broker reports its replica as lost because the log is damaged, and wants to make it anew.
@Suite("Replicas reported as lost")
struct LostReplicaTests {
    /// `t` is on 1, 2 and 3, all in sync.
    private func cluster(minInSync: String = "2") -> Cluster {
        var cluster = Cluster()
        for broker: Int32 in 1...3 { cluster.join(broker) }
        cluster.createTopic("t", partitions: -1, replicas: -1, assignments: [[1, 2, 3]])
        _ = cluster.setConfig("t", "min.insync.replicas", minInSync)
        return cluster
    }

    @Test("A damaged leader leaves the ISR and another leads; its directory is recorded as lost")
    func leader() throws {
        var cluster = cluster()
        let before = try cluster.partition()
        #expect(cluster.assign(1, to: .lostDirectory) == .noError)
        let partition = try cluster.partition()
        #expect(partition.leader == BrokerID(2) && partition.isrNumbers == [2, 3])
        #expect(partition.directories[0] == .lostDirectory)
        #expect(partition.leaderEpoch > before.leaderEpoch)
        #expect(partition.eligibleLeaderReplicas.isEmpty && partition.lastKnownELR.isEmpty)
        let end = cluster.end
        #expect(cluster.assign(1, to: .lostDirectory) == .noError)
        #expect(cluster.end == end)
    }

    @Test("A damaged follower leaves too, and a leader epoch begins in which it has never fetched (rule 12)")
    func follower() throws {
        var cluster = cluster()
        let before = try cluster.partition()
        #expect(cluster.assign(3, to: .lostDirectory) == .noError)
        let partition = try cluster.partition()
        #expect(partition.leader == BrokerID(1) && partition.isrNumbers == [1, 2])
        #expect(partition.leaderEpoch.value == before.leaderEpoch.value + 1)
        // It has an empty log now, in a real directory, and comes back as any follower does.
        #expect(cluster.assign(3, to: DirectoryID(high: 1_000, low: 3)) == .noError)
        #expect(try cluster.partition().leaderEpoch == partition.leaderEpoch)
    }

    @Test("The last that holds all stays what it is: nobody else would lead", arguments: [false, true])
    func lastOne(allowsUnclean: Bool) throws {
        var cluster = cluster()
        if allowsUnclean { _ = cluster.setConfig("t", "unclean.leader.election.enable", "true") }
        #expect(cluster.assign(2, to: .lostDirectory) == .noError)
        #expect(cluster.assign(3, to: .lostDirectory) == .noError)
        let before = try cluster.partition()
        #expect(before.isrNumbers == [1])
        #expect(cluster.assign(1, to: .lostDirectory) == .eligibleLeadersNotAvailable)
        #expect(try cluster.partition() == before)
    }

    @Test("A replica in the ELR holds all that is committed: it takes over from a damaged leader")
    func eligible() throws {
        var cluster = cluster(minInSync: "3")
        cluster.fence(2)
        cluster.fence(3)
        #expect(try cluster.partition().isrNumbers == [1])
        cluster.heartbeat(3)
        try #require(try cluster.partition().eligibleLeaderReplicas.contains(BrokerID(3)))
        #expect(cluster.assign(1, to: .lostDirectory) == .noError)
        let partition = try cluster.partition()
        #expect(partition.leader == BrokerID(3) && partition.isrNumbers == [3])
        #expect(!partition.lastKnownELR.contains(BrokerID(1)))
    }
}
