import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Elections")
struct ElectionTests {
    @Test("The first replica in the order of preference that is in sync and alive leads")
    func preference() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", partitions: 3)
        cluster.fence(2)
        #expect(try cluster.partition("t", 0).leader == BrokerID(1))
        #expect(try cluster.partition("t", 0).leaderEpoch == LeaderEpoch(0))
        #expect(try cluster.partition("t", 1).leader == BrokerID(3))
        #expect(try cluster.partition("t", 1).leaderEpoch == LeaderEpoch(1))
    }

    @Test("No fenced broker is in any ISR; the last one to go is eligible, and leads when it is back")
    func lastOne() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2)
        cluster.fence(1)
        cluster.fence(2)
        let dark = try cluster.partition()
        #expect(dark.isrNumbers == [] && dark.elrNumbers == [2] && dark.leader == nil)
        cluster.heartbeat(1)
        #expect(try cluster.partition().leader == nil)
        cluster.heartbeat(2)
        let back = try cluster.partition()
        #expect(back.leader == BrokerID(2) && back.isrNumbers == [2] && back.elrNumbers == [])
    }

    @Test("Below min.insync.replicas who left in order stays eligible; at it again nobody is needed there")
    func eligible() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
        cluster.fence(3)
        #expect(try cluster.partition().elrNumbers == [])
        cluster.fence(2)
        #expect(try cluster.partition().isrNumbers == [1])
        #expect(try cluster.partition().elrNumbers == [2])
        cluster.fence(1)
        #expect(try cluster.partition().elrNumbers == [1, 2])
        cluster.heartbeat(2)
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().elrNumbers == [1])
        cluster.heartbeat(1)
        #expect(try cluster.alter(by: 2, isr: [1, 2]).errorCode == .noError)
        #expect(try cluster.partition().elrNumbers == [])
    }

    @Test("A lower min.insync.replicas takes away who was eligible only by the higher one")
    func lowerMinimum() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2, configs: [("min.insync.replicas", "2")])
        cluster.fence(2)
        #expect(try cluster.partition().elrNumbers == [2])
        #expect(cluster.setConfig("t", "min.insync.replicas", "1").errorCode == .noError)
        #expect(try cluster.partition().elrNumbers == [])
    }

    @Test("When every in-sync member restarted unclean nobody leads until all have reported; the longest log leads")
    func recovery() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
        for broker: Int32 in [1, 2, 3] { cluster.join(broker, life: 2) }
        let dark = try cluster.partition()
        #expect(dark.leader == nil && dark.isrNumbers == [] && dark.elrNumbers == [])
        #expect(dark.candidateNumbers == [2, 3])
        cluster.report(2, lastEpoch: 0, end: 50)
        cluster.heartbeat(1)
        #expect(try cluster.partition().leader == nil)
        cluster.report(3, lastEpoch: 0, end: 70)
        let found = try cluster.partition()
        #expect(found.leader == BrokerID(3) && found.isrNumbers == [3] && found.candidateNumbers == [])
        #expect(found.leaderEpoch > dark.leaderEpoch)
    }

    @Test("In recovery a later epoch is worth more than a longer log")
    func recoveryByEpoch() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
        for broker: Int32 in [1, 2, 3] { cluster.join(broker, life: 2) }
        cluster.report(3, lastEpoch: 0, end: 70)
        cluster.heartbeat(1)
        cluster.report(2, lastEpoch: 1, end: 50)
        #expect(try cluster.partition().leader == BrokerID(2))
    }

    @Test("Who crashed with the others but came back before that was seen is heard too, and leads if it has most")
    func witness() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
        for broker: Int32 in [1, 2, 3] { cluster.join(broker, life: 2) }
        #expect(try cluster.partition().candidateNumbers == [2, 3])
        cluster.report(2, lastEpoch: 0, end: 50)
        cluster.report(3, lastEpoch: 0, end: 70)
        // 1 is alive and has not heard of the recovery: its word is waited for.
        #expect(try cluster.partition().leader == nil)
        cluster.heartbeat(1)
        cluster.report(1, lastEpoch: 0, end: 90)
        #expect(try cluster.partition().leader == BrokerID(1))
        #expect(try cluster.partition().isrNumbers == [1])
    }

    @Test("A replica that is no recovery candidate is waited for a while if it is away, not if it has nothing to say")
    func silentWitness() throws {
        for isAway in [true, false] {
            var cluster = Cluster(brokers: [1, 2, 3])
            cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
            for broker: Int32 in [1, 2, 3] { cluster.join(broker, life: 2) }
            cluster.report(2, lastEpoch: 0, end: 50)
            if isAway { cluster.fence(1) } else { cluster.heartbeat(1) }
            #expect(try cluster.partition().leader == nil)
            cluster.report(3, lastEpoch: 0, end: 40)
            #expect(try cluster.partition().leader == (isAway ? nil : BrokerID(2)))
            cluster.wait(milliseconds: 10_000)
            cluster.report(3, lastEpoch: 0, end: 40)
            #expect(try cluster.partition().leader == BrokerID(2))
        }
    }

    @Test("A witness with a later epoch leads only if it has all that the candidates have")
    func laterEpoch() throws {
        // It led in epoch 1 and wrote one record, which nobody else got: behind 76 of epoch 0, or behind 118.
        for (start, leader) in [(76, 2), (118, 1)] as [(Int64, Int32)] {
            var cluster = Cluster(brokers: [1, 2, 3])
            cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
            for broker: Int32 in [1, 2, 3] { cluster.join(broker, life: 2) }
            #expect(try cluster.partition().candidateNumbers == [2, 3])
            cluster.report(1, lastEpoch: 1, end: start + 1, starts: [(0, 0), (1, start)])
            cluster.report(2, lastEpoch: 0, end: 118, starts: [(0, 0)])
            cluster.report(3, lastEpoch: 0, end: 100, starts: [(0, 0)])
            #expect(try cluster.partition().leader == BrokerID(leader))
        }
    }

    @Test("A witness of more recoveries than a heartbeat carries is waited for until it has had its say on all of them")
    func manyRecoveries() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "2")])
        for broker: Int32 in [1, 2, 3] { cluster.join(broker, life: 2) }
        cluster.report(2, lastEpoch: 0, end: 50)
        cluster.report(3, lastEpoch: 0, end: 40)
        cluster.heartbeat(1) { $0.recoveriesToldEnd = .zero }
        cluster.report(3, lastEpoch: 0, end: 40)
        #expect(try cluster.partition().leader == nil)
        let end = cluster.end
        cluster.heartbeat(1) { $0.recoveriesToldEnd = end }
        cluster.report(3, lastEpoch: 0, end: 40)
        #expect(try cluster.partition().leader == BrokerID(2))
    }

    @Test("A replica found fenced by a controller that begins may have crashed with all others: it is waited for")
    func goneWitness() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2)
        cluster.fence(2)
        cluster.controller = ClusterController(
            configuration: cluster.controller.configuration, image: cluster.image, now: cluster.now)
        cluster.join(1, life: 2)
        #expect(try cluster.partition().candidateNumbers == [1])
        cluster.report(1, lastEpoch: 0, end: 50)
        #expect(try cluster.partition().leader == nil)
        var alone = cluster
        alone.wait(milliseconds: 10_000)
        alone.report(1, lastEpoch: 0, end: 50)
        #expect(try alone.partition().leader == BrokerID(1))
        cluster.join(2, life: 2)
        cluster.report(2, lastEpoch: 0, end: 90)
        #expect(try cluster.partition().leader == BrokerID(2))
    }

    @Test("A member that a reassignment is adding is heard in a recovery as all others, and waited for")
    func addedReplica() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", replicas: 2, configs: [("min.insync.replicas", "2")])
        #expect(try cluster.reassign(to: [3, 1]).errorCode == .noError)
        cluster.fence(1)
        #expect(try cluster.alter(by: 2, isr: [2, 3]).errorCode == .noError)
        cluster.join(2, life: 2)
        cluster.join(3, life: 2)
        #expect(try cluster.partition().candidateNumbers.contains(3))
        cluster.report(2, lastEpoch: 0, end: 50)
        cluster.wait(milliseconds: 10_000)
        cluster.report(2, lastEpoch: 0, end: 50)
        #expect(try cluster.partition().leader == nil)
        cluster.report(1, lastEpoch: 0, end: 40)
        cluster.report(3, lastEpoch: 0, end: 90)
        #expect(try cluster.partition().leader == BrokerID(3))
    }

    @Test("A recovery report of another state, another life or another disk counts for nothing")
    func voidReports() throws {
        var cluster = Cluster(brokers: [1])
        cluster.createTopic("t", replicas: 1)
        cluster.join(1, life: 2)
        #expect(try cluster.partition().candidateNumbers == [1])
        cluster.report(1, lastEpoch: 0, end: 9, leaderEpoch: LeaderEpoch(0))
        cluster.report(1, lastEpoch: 0, end: 9, brokerEpoch: BrokerEpoch(2))
        cluster.report(1, lastEpoch: 0, end: 9, directory: DirectoryID(high: 8, low: 8))
        #expect(try cluster.partition().leader == nil)
        cluster.report(1, lastEpoch: 0, end: 9)
        #expect(try cluster.partition().leader == BrokerID(1))
    }

    @Test("A clean restart of the only replica leads again without being asked")
    func cleanRestart() throws {
        var cluster = Cluster(brokers: [1])
        cluster.createTopic("t", replicas: 1)
        let epoch = cluster.epoch(1).value
        cluster.heartbeat(1) { $0.wantShutDown = true }
        #expect(cluster.heartbeat(1) { $0.wantShutDown = true }.shouldShutDown)
        #expect(try cluster.partition().leader == nil)
        cluster.join(1, life: 2, previousEpoch: epoch)
        #expect(try cluster.partition().leader == BrokerID(1))
        #expect(try cluster.partition().isrNumbers == [1])
    }

    @Test("Leaderships return to the preferred replicas that are in sync, as many as are asked for")
    func rebalance() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", partitions: 3)
        cluster.fence(1)
        cluster.heartbeat(1)
        #expect(cluster.commit(cluster.controller.rebalanceLeaders(countMax: 10)) == 0)
        #expect(try cluster.alter(by: 2, isr: [1, 2, 3]).errorCode == .noError)
        #expect(cluster.commit(cluster.controller.rebalanceLeaders(countMax: 10)) == 1)
        #expect(try cluster.partition().leader == BrokerID(1))
    }

    @Test("Whatever dies and returns: the ISR is alive, within the replicas and apart from the ELR", arguments: 1...20)
    func invariants(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var cluster = Cluster(brokers: [1, 2, 3, 4])
        cluster.createTopic("t", partitions: 4, configs: [("min.insync.replicas", "2")])
        cluster.createTopic("u", partitions: 4, replicas: 1)
        for life in 2..<200 {
            let broker = Int32(generator.next() % 4) + 1
            switch generator.next() % 5 {
            case 0: cluster.fence(broker)
            case 1: cluster.heartbeat(broker)
            case 2: cluster.join(broker, life: UInt64(life))
            case 3: cluster.join(broker, life: UInt64(life), previousEpoch: cluster.epoch(broker).value)
            default: cluster.heartbeat(broker) { $0.wantShutDown = true }
            }
            for topic in cluster.image.topics.sortedByName {
                for partition in topic.partitions {
                    #expect(partition.isr.allSatisfy { cluster.image.brokers.isActive($0) })
                    #expect(Set(partition.isr).isSubset(of: partition.replicas))
                    #expect(Set(partition.isr).isDisjoint(with: partition.eligibleLeaderReplicas))
                    #expect(partition.leader.map { partition.isr.contains($0) } ?? true)
                    // Somebody is always known who held all that was committed.
                    let known = partition.isr + partition.eligibleLeaderReplicas + partition.lastKnownELR
                    #expect(!known.isEmpty)
                    let minimum = cluster.controller.minInSyncReplicas(
                        topic: topic.name, replicas: partition.replicas.count)
                    #expect(partition.isr.count < minimum || partition.eligibleLeaderReplicas.isEmpty)
                }
            }
        }
    }
}

extension Cluster {
    /// A broker says what it has of partition 0 of `t`, truthfully unless told otherwise.
    mutating func report(
        _ broker: Int32, lastEpoch: Int32, end logEnd: Int64, starts: [(epoch: Int32, offset: Int64)] = [],
        leaderEpoch: LeaderEpoch? = nil, brokerEpoch: BrokerEpoch? = nil, directory: DirectoryID? = nil
    ) {
        guard let topic = image.topics[name: "t"] else { return }
        let report = RecoveryReport(
            partition: TopicPartitionID(topic.id, PartitionIndex(0)),
            leaderEpoch: leaderEpoch ?? topic.partitions[0].leaderEpoch,
            directory: directory ?? DirectoryID(high: 1_000, low: UInt64(broker)), lastEpoch: LeaderEpoch(lastEpoch),
            logEnd: Offset(logEnd),
            epochStarts: starts.map {
                RecoveryReport.EpochStart(epoch: LeaderEpoch($0.epoch), startOffset: Offset($0.offset))
            })
        commit(
            controller.report(
                [report], from: BrokerID(broker), epoch: brokerEpoch ?? epoch(broker), nextOffset: end, now: now))
    }

    mutating func setConfig(
        _ topic: String, _ key: String, _ value: String?, operation: Int8 = 0
    ) -> IncrementalAlterConfigsResponse.AlterConfigsResourceResponse {
        var config = IncrementalAlterConfigsRequest.AlterableConfig()
        config.name = key
        config.configOperation = operation
        config.value = value
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 2
        resource.resourceName = topic
        resource.configs = [config]
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        return commit(controller.incrementalAlterConfigs(request, rules: ScriptedBrokerRules())).responses[0]
    }
}
