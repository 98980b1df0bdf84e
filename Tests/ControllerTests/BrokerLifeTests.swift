import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Life of a broker at the controller")
struct BrokerLifeTests {
    @Test("A fresh cluster finalizes what is built, and nothing twice")
    func bootstrap() {
        let cluster = Cluster()
        #expect(cluster.image.features.metadataVersion == ClusterFeatures.metadataVersion)
        #expect(cluster.image.features["eligible.leader.replicas.version"] == 1)
        #expect(cluster.controller.decideBootstrap().records.isEmpty)
    }

    @Test("Rule 17: a broker's epoch is the offset of its registration record")
    func epoch() throws {
        var cluster = Cluster()
        let offset = cluster.end
        let response = cluster.register(Cluster.registration(1))
        #expect(response.errorCode == .noError)
        #expect(response.brokerEpoch == BrokerEpoch(offset.value))
        #expect(try cluster.broker(1).epoch == response.brokerEpoch)
        #expect(try cluster.broker(1).isFenced)
    }

    @Test("Rule 17: the same incarnation keeps its epoch and its state")
    func sameIncarnation() throws {
        var cluster = Cluster(brokers: [1])
        let epoch = cluster.epoch(1)
        #expect(cluster.register(Cluster.registration(1)).brokerEpoch == epoch)
        #expect(try !cluster.broker(1).isFenced)
    }

    @Test("Rule 17: another incarnation in other directories is refused while the session is valid, and only then")
    func duplicate() throws {
        var cluster = Cluster(brokers: [1])
        let other = Cluster.registration(1, life: 2, directory: 77)
        #expect(cluster.register(other).errorCode == .duplicateBrokerRegistration)
        cluster.wait(milliseconds: 3_000)
        #expect(cluster.register(other).errorCode == .noError)
    }

    @Test("Rule 17: a new incarnation that holds the same directories replaces the old one at once, fenced, in no ISR")
    func replacement() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        let old = cluster.epoch(1)
        let response = cluster.register(Cluster.registration(1, life: 2))
        #expect(response.errorCode == .noError)
        #expect(response.brokerEpoch > old)
        #expect(try cluster.broker(1).isFenced)
        let partition = try cluster.partition()
        #expect(partition.isrNumbers == [2, 3])
        #expect(partition.leader == BrokerID(2))
        #expect(partition.leaderEpoch == LeaderEpoch(1))
    }

    @Test("Rule 17: what an unclean life left behind leaves the ELR too; a clean one stays there")
    func uncleanLeavesELR() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t", configs: [("min.insync.replicas", "3")])
        cluster.fence(2)
        #expect(try cluster.partition().elrNumbers == [2])
        var clean = cluster
        clean.register(Cluster.registration(2, life: 2, previousEpoch: clean.epoch(2).value))
        #expect(try clean.partition().elrNumbers == [2])
        cluster.register(Cluster.registration(2, life: 2))
        #expect(try cluster.partition().elrNumbers == [])
    }

    @Test("Registrations that do not belong here are refused")
    func refusals() {
        var cluster = Cluster(brokers: [1])
        var foreign = Cluster.registration(2)
        foreign.clusterID = "other"
        #expect(cluster.register(foreign).errorCode == .inconsistentClusterID)
        #expect(cluster.register(Cluster.registration(2, directory: 1)).errorCode == .invalidRegistration)
        var old = Cluster.registration(2)
        old.features = []
        #expect(cluster.register(old).errorCode == .unsupportedVersion)
        var homeless = Cluster.registration(2)
        homeless.logDirs = [.unassignedDirectory]
        #expect(cluster.register(homeless).errorCode == .invalidRegistration)
        homeless.logDirs = []
        #expect(cluster.register(homeless).errorCode == .invalidRegistration)
        homeless.logDirs = [DirectoryID(high: 7, low: 200), DirectoryID(high: 7, low: 200)]
        #expect(cluster.register(homeless).errorCode == .invalidRegistration)
        var migrating = Cluster.registration(2)
        migrating.isMigratingZkBroker = true
        #expect(cluster.register(migrating).errorCode == .brokerIDNotRegistered)
        var silent = Cluster.registration(2)
        silent.listeners = []
        #expect(cluster.register(silent).errorCode == .invalidRequest)
    }

    @Test("A broker is let in when it has applied the metadata up to its registration")
    func unfencing() throws {
        var cluster = Cluster()
        cluster.register(Cluster.registration(1))
        let behind = cluster.heartbeat(1) { $0.currentMetadataOffset = Offset($0.brokerEpoch.value - 1) }
        #expect(!behind.isCaughtUp && behind.isFenced)
        #expect(try cluster.broker(1).isFenced)
        let there = cluster.heartbeat(1) { $0.currentMetadataOffset = Offset($0.brokerEpoch.value) }
        #expect(there.isCaughtUp && !there.isFenced)
        #expect(try !cluster.broker(1).isFenced)
    }

    @Test("A broker that was fenced is let in again when it has read that it was, and not on the strength of its voice")
    func unfencingBehindTheFencing() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        let applied = Offset(cluster.end.value - 1)
        cluster.fence(1)
        let fenced = Offset(cluster.end.value - 1)
        let behind = cluster.heartbeat(1) { $0.currentMetadataOffset = applied }
        #expect(!behind.isCaughtUp && behind.isFenced)
        cluster.createTopic("later")
        let there = cluster.heartbeat(1) { $0.currentMetadataOffset = fenced }
        #expect(there.isCaughtUp && !there.isFenced)
        #expect(try !cluster.broker(1).isFenced)
        cluster.fence(1)
        #expect(cluster.heartbeat(1) { $0.currentMetadataOffset = fenced }.isFenced)
    }

    @Test("A controller that found a broker fenced wants it to have applied what was in the log then")
    func unfencingByASuccessor() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        let applied = Offset(cluster.end.value - 1)
        cluster.fence(1)
        cluster.controller = ClusterController(
            configuration: cluster.controller.configuration, image: cluster.image, now: cluster.now)
        #expect(cluster.heartbeat(1) { $0.currentMetadataOffset = applied }.isFenced)
        #expect(!cluster.heartbeat(1).isFenced)
    }

    @Test("A broker that wants to stay fenced stays fenced")
    func wantFence() throws {
        var cluster = Cluster()
        cluster.register(Cluster.registration(1))
        #expect(cluster.heartbeat(1) { $0.wantFence = true }.isFenced)
        #expect(try cluster.broker(1).isFenced)
    }

    @Test("Heartbeats of another life, or of nobody, are refused and count for nothing")
    func staleHeartbeat() {
        var cluster = Cluster(brokers: [1])
        cluster.wait(milliseconds: 2_999)
        #expect(cluster.heartbeat(1) { $0.brokerEpoch = BrokerEpoch(0) }.errorCode == .staleBrokerEpoch)
        #expect(cluster.heartbeat(9).errorCode == .brokerIDNotRegistered)
        cluster.wait(milliseconds: 1)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == BrokerID(1))
    }

    @Test("R3: a broker that is silent for a session is fenced and leads nothing, one that speaks is not")
    func silence() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        cluster.wait(milliseconds: 2_000)
        cluster.heartbeat(2)
        cluster.heartbeat(3)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == nil)
        cluster.wait(milliseconds: 1_000)
        #expect(cluster.commit(cluster.controller.fenceSilentBroker(now: cluster.now)) == BrokerID(1))
        #expect(cluster.commit(cluster.controller.fenceSilentBroker(now: cluster.now)) == nil)
        #expect(try cluster.broker(1).isFenced)
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().isrNumbers == [2, 3])
    }

    @Test("R1: proof of death fences that life of the broker, and no later one")
    func proof() throws {
        var cluster = Cluster(brokers: [1])
        let earlier = cluster.commit(cluster.controller.fence(BrokerID(1), epoch: BrokerEpoch(0)))
        let first = cluster.commit(cluster.controller.fence(BrokerID(1), epoch: cluster.epoch(1)))
        let second = cluster.commit(cluster.controller.fence(BrokerID(1), epoch: cluster.epoch(1)))
        #expect([earlier, first, second] == [false, true, false])
    }

    @Test("Rule 18: who leaves hands over first, and goes when all live brokers know it")
    func controlledShutdown() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        let first = cluster.heartbeat(1) { $0.wantShutDown = true }
        #expect(!first.shouldShutDown && !first.isFenced)
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().isrNumbers == [2, 3])
        let moved = Offset(cluster.end.value - 1)
        cluster.heartbeat(2) { $0.currentMetadataOffset = moved }
        cluster.heartbeat(3) { $0.currentMetadataOffset = Offset(moved.value - 1) }
        #expect(!cluster.heartbeat(1) { $0.wantShutDown = true }.shouldShutDown)
        cluster.heartbeat(3) { $0.currentMetadataOffset = moved }
        #expect(cluster.heartbeat(1) { $0.wantShutDown = true }.shouldShutDown)
        #expect(try cluster.broker(1).isFenced)
    }

    @Test("Rule 18: a broker that is shutting down may not rejoin an ISR")
    func noReturn() throws {
        var cluster = Cluster(brokers: [1, 2, 3])
        cluster.createTopic("t")
        cluster.heartbeat(3) { $0.wantShutDown = true }
        let answer = try cluster.alter(by: 1, isr: [1, 2, 3])
        #expect(answer.errorCode == .ineligibleReplica)
    }

    @Test("Rule 19: a new controller gives each broker a fresh session")
    func freshSessions() {
        var cluster = Cluster(brokers: [1, 2])
        cluster.wait(milliseconds: 60_000)
        var successor = ClusterController(
            configuration: cluster.controller.configuration, image: cluster.image, now: cluster.now)
        #expect(successor.fenceSilentBroker(now: cluster.now.advanced(byMilliseconds: 2_999)).reply == nil)
        #expect(successor.fenceSilentBroker(now: cluster.now.advanced(byMilliseconds: 3_000)).reply == BrokerID(1))
    }

    @Test("What a controller could not hear while it was held up is no broker's silence")
    func heldUp() {
        var cluster = Cluster(brokers: [1])
        cluster.wait(milliseconds: 5_000)
        cluster.controller.sessions.extend(byMilliseconds: 4_900)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == nil)
        cluster.wait(milliseconds: 2_900)
        #expect(cluster.controller.fenceSilentBroker(now: cluster.now).reply == BrokerID(1))
    }

    @Test("A broker whose directory failed leaves the ISRs of the replicas in it")
    func failedDirectory() throws {
        var cluster = Cluster()
        var request = Cluster.registration(1)
        request.logDirs.append(DirectoryID(high: 1_000, low: 99))
        cluster.register(request)
        cluster.heartbeat(1)
        cluster.join(2)
        cluster.createTopic("t", replicas: 2)
        var change = PartitionChangeRecord()
        change.topicID = try #require(cluster.image.topics[name: "t"]).id
        change.partitionID = PartitionIndex(0)
        change.directories = [DirectoryID(high: 1_000, low: 99), DirectoryID(high: 1_000, low: 2)]
        cluster.commit(Decision([.partitionChange(change)], reply: ()))
        cluster.heartbeat(1) { $0.offlineLogDirs = [DirectoryID(high: 1_000, low: 99)] }
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().isrNumbers == [2])
        #expect(try cluster.broker(1).directories == [DirectoryID(high: 1_000, low: 1)])
        #expect(try !cluster.broker(1).isFenced)
    }

    @Test("A broker that lost one of its directories leads nothing that may have been in it")
    func failedDirectoryOfUnknownReplicas() throws {
        var cluster = Cluster()
        var request = Cluster.registration(1)
        request.logDirs.append(DirectoryID(high: 1_000, low: 99))
        cluster.register(request)
        cluster.heartbeat(1)
        cluster.join(2)
        cluster.createTopic("t", replicas: 2)
        #expect(try cluster.partition().directory(of: BrokerID(1)) == .unassignedDirectory)
        cluster.heartbeat(1) { $0.offlineLogDirs = [DirectoryID(high: 1_000, low: 99)] }
        #expect(try cluster.partition().leader == BrokerID(2))
        #expect(try cluster.partition().isrNumbers == [2])
        // Told again with the next heartbeat, it does not hold the replica back that comes to be in sync.
        let end = cluster.end
        cluster.heartbeat(1) { $0.offlineLogDirs = [DirectoryID(high: 1_000, low: 99)] }
        #expect(cluster.end == end)
    }

    @Test("Rule 17: who comes back in order, but without the directory of a replica, comes without the replica")
    func missingDirectory() throws {
        var cluster = Cluster()
        let second = DirectoryID(high: 1_000, low: 99)
        var request = Cluster.registration(1)
        request.logDirs.append(second)
        cluster.register(request)
        cluster.heartbeat(1)
        cluster.createTopic("t", replicas: 1)
        #expect(cluster.assign(1, to: second) == .noError)
        cluster.heartbeat(1) { $0.wantShutDown = true }
        cluster.heartbeat(1) { $0.wantShutDown = true }
        #expect(try cluster.partition().elrNumbers == [1])
        let epoch = cluster.epoch(1).value
        var complete = cluster
        request.incarnationID = UUID128(high: 1, low: 2)
        request.previousBrokerEpoch = BrokerEpoch(epoch)
        complete.register(request)
        complete.heartbeat(1)
        #expect(try complete.partition().leader == BrokerID(1))
        cluster.register(Cluster.registration(1, life: 2, previousEpoch: epoch))
        cluster.heartbeat(1)
        #expect(try cluster.partition().leader == nil)
        #expect(try cluster.partition().candidateNumbers == [1])
        // The new, empty replica in the other directory does not pass for the one that was in sync.
        let first = DirectoryID(high: 1_000, low: 1)
        #expect(cluster.assign(1, to: first) == .noError)
        #expect(try cluster.partition().directory(of: BrokerID(1)) == second)
        let partition = try cluster.partition()
        let id = TopicPartitionID(try #require(cluster.image.topics.id(of: "t")), PartitionIndex(0))
        let report = RecoveryReport(
            partition: id, leaderEpoch: partition.leaderEpoch, directory: first, lastEpoch: nil, logEnd: .zero)
        cluster.commit(
            cluster.controller.report(
                [report], from: BrokerID(1), epoch: cluster.epoch(1), nextOffset: cluster.end, now: cluster.now))
        #expect(try cluster.partition().leader == nil)
        // An operator may say so.
        #expect(try cluster.elect(1, partitions: [0]).map(\.errorCode) == [.noError])
        #expect(try cluster.partition().leader == BrokerID(1))
        #expect(try cluster.partition().recoveryState == .recovering)
        #expect(cluster.assign(1, to: first) == .noError)
        #expect(try cluster.partition().directory(of: BrokerID(1)) == first)
        #expect(try cluster.partition().leader == BrokerID(1))
    }

    @Test("Producer ids come in blocks that never overlap, to registered brokers only")
    func producerIDs() {
        var cluster = Cluster(brokers: [1])
        var request = AllocateProducerIdsRequest()
        request.brokerID = BrokerID(1)
        request.brokerEpoch = cluster.epoch(1)
        let first = cluster.commit(cluster.controller.allocateProducerIDs(request))
        let second = cluster.commit(cluster.controller.allocateProducerIDs(request))
        #expect(first.producerIDStart == ProducerID(0) && first.producerIDLen == 1_000)
        #expect(second.producerIDStart == ProducerID(1_000))
        request.brokerEpoch = BrokerEpoch(-1)
        #expect(cluster.controller.allocateProducerIDs(request).reply.errorCode == .staleBrokerEpoch)
    }

    @Test("An unregistered broker is gone, and not known a second time")
    func unregister() throws {
        var cluster = Cluster(brokers: [1, 2])
        #expect(cluster.commit(cluster.controller.unregisterBroker(BrokerID(2))) == nil)
        #expect(cluster.image.brokers[BrokerID(2)] == nil)
        #expect(cluster.controller.unregisterBroker(BrokerID(2)).reply?.code == .brokerIDNotRegistered)
    }
}
