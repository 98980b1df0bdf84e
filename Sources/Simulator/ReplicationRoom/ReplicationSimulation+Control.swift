import Controller
import Metadata
import Primitives
import Replication
import WireMessages

/// The brokers' talk with the controller, and how they take the metadata.
extension ReplicationSimulation {
    // MARK: ISR changes

    mutating func send(_ proposal: ISRProposal, from index: Int) {
        let node = truth.nodes[index]
        note("\(node.id) proposes the ISR \(proposal.members.map(\.broker))")
        guard let epoch = node.brokerEpoch else { return }
        for delay in network.arrivals(from: index, to: controllerPlace, using: &generator) {
            heap.schedule(.alter(proposal, epoch, node: index, life: node.life), afterMicroseconds: delay)
        }
        // Without an answer the fate of the proposal is unknown.
        heap.schedule(
            .altered(proposal, .refused(.networkException), node: index, life: node.life), afterMicroseconds: 400_000)
    }

    mutating func alter(_ proposal: ISRProposal, _ epoch: BrokerEpoch, from index: Int, life: Int) {
        var data = AlterPartitionRequest.PartitionData()
        data.partitionIndex = truth.partitionID.index
        data.leaderEpoch = proposal.leaderEpoch
        data.partitionEpoch = proposal.partitionEpoch
        data.newIsrWithEpochs = proposal.members.map {
            var member = AlterPartitionRequest.BrokerState()
            member.brokerID = $0.broker
            member.brokerEpoch = $0.epoch
            return member
        }
        var topic = AlterPartitionRequest.TopicData()
        topic.topicID = truth.partitionID.topic
        topic.partitions = [data]
        var request = AlterPartitionRequest()
        request.brokerID = truth.nodes[index].id
        request.brokerEpoch = epoch
        request.topics = [topic]
        let response = commit(truth.controller.alterPartition(request))
        for delay in network.arrivals(from: controllerPlace, to: index, using: &generator) {
            heap.schedule(
                .altered(proposal, ReplicationSimulation.answer(response), node: index, life: life),
                afterMicroseconds: delay)
        }
    }

    private static func answer(_ response: AlterPartitionResponse) -> ISRAnswer {
        guard response.errorCode == .noError, let part = response.topics.first?.partitions.first else {
            return .refused(response.errorCode)
        }
        guard part.errorCode == .noError else { return .refused(part.errorCode) }
        return .committed(leaderEpoch: part.leaderEpoch, partitionEpoch: part.partitionEpoch, inSync: part.isr)
    }

    mutating func altered(_ proposal: ISRProposal, _ answer: ISRAnswer, at index: Int) {
        var mustSendAgain = false
        lead(index) { leader, now in
            switch leader.isrAnswered(proposal, answer, now: now) {
            case .settled(let outcome): return outcome
            case .outdated: return LeaderReplica.Outcome()
            case .sendAgain:
                mustSendAgain = true
                return LeaderReplica.Outcome()
            }
        }
        if mustSendAgain {
            heap.schedule(
                .sendAgain(proposal, node: index, life: truth.nodes[index].life), afterMicroseconds: 50_000)
        }
    }

    // MARK: committed metadata

    /// Makes a decision durable; every broker hears of it some time later.
    @discardableResult
    mutating func commit<Reply>(_ decision: Decision<Reply>) -> Reply {
        guard !decision.records.isEmpty else { return decision.reply }
        for record in decision.records { truth.controller.replay(record) }
        truth.images.append(truth.controller.image)
        let partition = truth.partition
        note(
            "committed \(truth.images.count - 1): leader \(partition.leader.map { "\($0)" } ?? "none") epoch "
                + "\(partition.leaderEpoch)/\(partition.partitionEpoch) ISR \(partition.isr) ELR "
                + "\(partition.eligibleLeaderReplicas) last \(partition.lastKnownELR)")
        for index in truth.nodes.indices { tell(index) }
        return decision.reply
    }

    private mutating func tell(_ index: Int) {
        let life = truth.nodes[index].life
        for delay in network.arrivals(from: controllerPlace, to: index, using: &generator) {
            heap.schedule(.metadata(node: index, life: life), afterMicroseconds: delay)
        }
    }

    /// A broker applies committed images in their order, each as one change or several folded into one.
    mutating func applyMetadata(_ index: Int) {
        let known = truth.nodes[index].appliedImages
        guard known < truth.images.count else { return }
        let next = generator.chance(1, in: 2) ? truth.images.count : known + 1
        truth.nodes[index].appliedImages = next
        let isNew = next > truth.nodes[index].knownImages
        if isNew { truth.nodes[index].knownImages = next }
        let image = truth.images[next - 1]
        if let partition = image.topics[truth.partitionID] {
            var assignment = PartitionAssignment(simulated: partition)
            // What made an earlier life of this broker leader is void for this one.
            let isMine = image.brokers[truth.nodes[index].id]?.epoch == truth.nodes[index].brokerEpoch
            if assignment.leader == truth.nodes[index].id, !isMine { assignment.leader = nil }
            assign(assignment, image, index, isNew: isNew)
        }
        for broker in image.brokers.sorted {
            let life = BrokerLife(
                epoch: broker.epoch, isFenced: broker.isFenced, isShuttingDown: broker.isInControlledShutdown)
            lead(index) { $0.brokerChanged(broker.id, life, now: $1) }
        }
        if next < truth.images.count { tell(index) }
    }

    private mutating func assign(_ assignment: PartitionAssignment, _ image: MetadataImage, _ index: Int, isNew: Bool) {
        let node = truth.nodes[index]
        let lives = { (id: BrokerID) -> BrokerLife? in
            image.brokers[id].map {
                BrokerLife(epoch: $0.epoch, isFenced: $0.isFenced, isShuttingDown: $0.isInControlledShutdown)
            }
        }
        let epoch = node.leader?.leaderEpoch ?? node.follower?.leaderEpoch
        if epoch == assignment.leaderEpoch {
            lead(index) { $0.metadataChanged(assignment, lives: lives, now: $1) }
            return
        }
        let highWatermark = node.highWatermark
        truth.nodes[index].waiting = []
        guard assignment.replicas.contains(node.id) else { return drop(index, removes: isNew) }
        if assignment.leader == node.id {
            truth.nodes[index].disk.assign(assignment.leaderEpoch)
            note("\(node.id) leads epoch \(assignment.leaderEpoch) from \(node.disk.end), watermark \(highWatermark)")
            truth.nodes[index].role = .leader(
                LeaderReplica(
                    me: node.id, assignment: assignment, settings: settings, logEnd: node.disk.end,
                    flushedEnd: node.disk.flushed, highWatermark: highWatermark, lives: lives, now: now))
            lead(index) { $0.checkLag(now: $1) }
            flush(index)
            repeatFetches(to: index)
        } else {
            truth.nodes[index].role = .follower(
                FollowerReplica(assignment: assignment, highWatermark: highWatermark, logEnd: node.disk.end))
            truth.nodes[index].fetchInFlight = nil
            fetchSoon(index)
        }
    }

    /// The partition is here no more, and its log goes: not for what this node knew before it was started again.
    private mutating func drop(_ index: Int, removes: Bool) {
        if removes, truth.nodes[index].disk.end > .zero { note("\(truth.nodes[index].id) drops its replica") }
        truth.nodes[index].role = .idle
        truth.nodes[index].fetchInFlight = nil
        if removes { truth.nodes[index].disk.wipe() }
    }

    // MARK: broker life

    /// Registers this process, again and again until it knows its epoch.
    mutating func register(_ index: Int) {
        let node = truth.nodes[index]
        guard node.brokerEpoch == nil else { return }
        heap.schedule(.register(node: index, life: node.life), afterMicroseconds: 150_000)
        guard reachesController(index) else { return }
        let request = ReplicationSimulation.registration(of: node)
        // Epochs grow with each registration, as offsets of records do.
        let offset = Offset(Int64(truth.images.count) * 100)
        let response = commit(truth.controller.registerBroker(request, nextOffset: offset, now: now))
        guard response.errorCode == .noError else { return }
        truth.controller.sessions.start(node.id, epoch: response.brokerEpoch, now: now)
        // The answer may be lost.
        guard reachesController(index) else { return }
        truth.nodes[index].brokerEpoch = response.brokerEpoch
        note("\(node.id) is registered with epoch \(response.brokerEpoch)")
        heap.schedule(.heartbeat(node: index, life: node.life), afterMicroseconds: 1_000)
        fetchSoon(index)
    }

    /// A life's request: the directory stays, the incarnation is new with each process.
    static func registration(of node: ReplicaNode) -> BrokerRegistrationRequest {
        var request = BrokerRegistrationRequest()
        request.brokerID = node.id
        request.clusterID = ReplicationSimulation.clusterID
        request.incarnationID = UUID128(high: UInt64(node.id.value), low: UInt64(node.life + 1_000))
        request.logDirs = [directory(of: node.id)]
        request.previousBrokerEpoch = node.disk.cleanEpoch ?? BrokerEpoch(-1)
        // What tells a Martlet from brokers of another make.
        request.settings = []
        var listener = BrokerRegistrationRequest.Listener()
        listener.name = "PLAINTEXT"
        listener.host = "simulated"
        listener.port = 9_092
        request.listeners = [listener]
        request.features = ClusterFeatures.bootstrap.map {
            var feature = BrokerRegistrationRequest.Feature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.level
            feature.maxSupportedVersion = $0.level
            return feature
        }
        return request
    }

    static func directory(of broker: BrokerID) -> UUID128 { UUID128(high: 1_000, low: UInt64(broker.value)) }

    mutating func heartbeat(_ index: Int) {
        let node = truth.nodes[index]
        heap.schedule(.heartbeat(node: index, life: node.life), afterMicroseconds: 100_000)
        guard let epoch = node.brokerEpoch, reachesController(index) else { return }
        tell(index)
        var request = BrokerHeartbeatRequest()
        request.brokerID = node.id
        request.brokerEpoch = epoch
        request.currentMetadataOffset = Offset(max(ReplicationSimulation.metadataEnd(node.appliedImages).value - 1, 0))
        let offset = ReplicationSimulation.metadataEnd(truth.images.count)
        let decision = truth.controller.heartbeat(request, nextOffset: offset, now: now)
        let wasFenced = !truth.controller.image.brokers.isUnfenced(node.id)
        commit(decision)
        if wasFenced, truth.controller.image.brokers.isUnfenced(node.id) { repeatFormerFetches(of: index) }
        reportRecovery(index, epoch)
    }

    /// The end of the metadata behind so many images.
    static func metadataEnd(_ images: Int) -> Offset { Offset(Int64(images) * 100) }

    /// A witness of a recovery says how much it has, once its log is checked.
    private mutating func reportRecovery(_ index: Int, _ epoch: BrokerEpoch) {
        let node = truth.nodes[index]
        guard node.appliedImages > 0,
            let known = truth.images[node.appliedImages - 1].topics[truth.partitionID],
            known.recoveryWitnesses.contains(node.id)
        else { return }
        let report = RecoveryReport(
            partition: truth.partitionID, leaderEpoch: known.leaderEpoch,
            directory: ReplicationSimulation.directory(of: node.id), lastEpoch: node.disk.entries.last?.epoch,
            logEnd: node.disk.end, epochStarts: node.disk.toldEpochs)
        let offset = ReplicationSimulation.metadataEnd(truth.images.count)
        commit(truth.controller.report([report], from: node.id, epoch: epoch, nextOffset: offset, now: now))
    }

    private mutating func reachesController(_ index: Int) -> Bool {
        !network.arrivals(from: index, to: controllerPlace, using: &generator).isEmpty
            && !network.arrivals(from: controllerPlace, to: index, using: &generator).isEmpty
    }

    mutating func checkSessions() {
        heap.schedule(.sessions, afterMicroseconds: 100_000)
        while let silent = commit(truth.controller.fenceSilentBroker(now: now)) { note("\(silent) is fenced: silent") }
    }
}

extension PartitionAssignment {
    init(simulated partition: PartitionRegistration) {
        self.init(
            leader: partition.leader, leaderEpoch: partition.leaderEpoch, partitionEpoch: partition.partitionEpoch,
            replicas: partition.replicas, inSync: partition.isr)
    }
}
