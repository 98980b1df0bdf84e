import BrokerServer
import LogStorage
package import Metadata
import Primitives

/// What is true of a simulated cluster, whatever its nodes believe: read from the virtual disks and wires, and compared
/// with what the nodes say of themselves after each of their events.
///
/// `@unchecked Sendable`: a simulation has one thread.
package final class ClusterTruth: @unchecked Sendable {
    let machines: [SimulatedMachine]
    private let trace: ClusterTrace
    let flushesOnAck: Bool
    /// The newest metadata that any node applied: all of it is committed.
    package private(set) var image = MetadataImage()
    private(set) var partitions: [TopicPartitionID: PartitionTruth] = [:]
    /// In the order of their making.
    private(set) var partitionIDs: [TopicPartitionID] = []
    /// In that order, too.
    private var inOrder: [PartitionTruth] = []
    var quorum: MetadataLogTruth
    private var nodes: [NodeView]
    /// What the present event has changed.
    private var touched: [PartitionTruth] = []
    private var invariants = ClusterInvariants()
    let transactions = TransactionTruth()
    /// What is true of groups; nil where there are none.
    var groups: GroupTruth?
    /// The first rule that was broken.
    package private(set) var violation: String?
    /// How often something became committed.
    private(set) var commitCount = 0
    /// How many records were acknowledged, and how many consumers got.
    package private(set) var acknowledgedCount = 0
    package private(set) var consumedCount = 0
    /// Names of states that were reached (the "sometimes" list), with how often.
    package private(set) var reached: [String: Int] = [:]

    /// The registered lives by the metadata, by the numbers of the machines.
    private var registeredLives: [BrokerEpoch?]

    /// The only whole replicas of partitions whose other logs were cut, until somebody leads again.
    var survivors: [TopicPartitionID: Survivor] = [:]
    /// Where an operator had somebody elected who may lack what is committed.
    private var uncleanAllowed: Set<TopicPartitionID> = []
    /// Whether anything was lost by that: clients can't be asked to have seen one history then.
    private(set) var isLossy = false

    /// What was last seen of a node.
    private final class NodeView {
        var appliedEnd = Offset.zero
        var replicas: [(partition: Partition, truth: PartitionTruth)] = []
        var registeredEpoch: BrokerEpoch?
        /// How many steps its replica of the metadata log had made.
        var quorumSteps: UInt64?
    }

    init(machines: [SimulatedMachine], flushesOnAck: Bool, founders: [VoterName], trace: ClusterTrace) {
        self.machines = machines
        self.flushesOnAck = flushesOnAck
        self.trace = trace
        quorum = MetadataLogTruth(founders: founders, machines: machines.count)
        nodes = machines.map { _ in NodeView() }
        registeredLives = machines.map { _ in nil }
        for machine in machines {
            machine.files.watch { [weak self, number = machine.number] event in self?.disk(of: number, did: event) }
        }
    }

    func machine(_ id: BrokerID) -> SimulatedMachine { machines[Int(id.value) - 1] }

    /// A rule is broken; the first counts.
    func violated(_ reason: String) {
        guard violation == nil else { return }
        violation = reason
        trace.add(0, "VIOLATION \(reason)")
    }

    /// A leader counts more as committed than anybody did before.
    func noteCommit() { commitCount += 1 }

    /// A state was reached that each campaign should reach.
    func reach(_ state: String) { reached[state, default: 0] += 1 }

    // MARK: who is what

    /// Whether the present process of a machine is the life that is registered.
    func isRunning(_ number: Int) -> Bool {
        guard machines[number - 1].node != nil, let epoch = nodes[number - 1].registeredEpoch else { return false }
        return epoch == registeredLives[number - 1]
    }

    /// Whether a replica leads by the committed metadata, and knows it.
    func isCurrentLeader(_ replica: ReplicaTruth, of partition: PartitionTruth) -> Bool {
        guard let roles = partition.roles, roles.leader == replica.node else { return false }
        return replica.witness?.leading?.epoch == roles.leaderEpoch
    }

    /// `min.insync.replicas` of a topic.
    func minInSyncReplicas(_ topic: String) -> Int {
        image.configs[.topic(topic)]["min.insync.replicas"].flatMap { Int($0) } ?? ClusterTruth.minInSyncReplicas
    }

    /// What the nodes are configured with.
    static let minInSyncReplicas = 2

    // MARK: disks

    private func disk(of node: Int, did event: VirtualFiles.Event) {
        switch event {
        case .wrote(let path, let position):
            if path.isLog { change(node, path.directory) { $0.wrote(path.name, position: position) } }
        case .resized(let path, let size):
            if path.isLog { change(node, path.directory) { $0.resized(path.name, to: size) } }
        case .created(let path):
            if path.isLog { change(node, path.directory) { $0.created(path.name) } }
        case .renamed(let path):
            if path.isLog { change(node, path.directory) { $0.namesChanged() } }
            if path.name == MetaProperties.fileName { lookUpDirectory(of: node) }
        case .renamedTree:
            lookUpDirectory(of: node)
            quorum.disks[node - 1].namesChanged()
            for partition in inOrder { partition.replicas[node]?.disk.namesChanged() }
        }
    }

    private func lookUpDirectory(of node: Int) {
        if quorum.isDynamic { quorum.directories[node - 1] = machines[node - 1].metadataDirectoryID }
    }

    private func change(_ node: Int, _ directory: String, _ body: (inout DiskLog) -> Void) {
        if directory == quorum.directory { return body(&quorum.disks[node - 1]) }
        change(node, at: directory) { body(&$0.disk) }
    }

    func change(_ node: Int, at directory: String, _ body: (ReplicaTruth) -> Void) {
        for partition in inOrder {
            if let replica = partition.replicas[node], replica.disk.directory == directory { body(replica) }
        }
    }

    // MARK: looking

    /// An operator asks for an unclean election: from now on one may lose records, in this partition.
    func mayLose(_ id: TopicPartitionID) { uncleanAllowed.insert(id) }

    private func noteUnclean(_ partition: PartitionTruth, _ fresh: PartitionRegistration) {
        guard uncleanAllowed.contains(partition.id), let former = partition.registration,
            let leader = fresh.leader ?? ClusterTruth.unseenLeader(former, fresh),
            fresh.leaderEpoch > former.leaderEpoch,
            !(former.isr + former.eligibleLeaderReplicas).contains(leader)
        else { return }
        let before = partition.committed.end
        let replica = partition.replicas[Int(leader.value)]
        if let changed = replica?.disk.refresh(machine(leader).files), let replica {
            replica.verifiedEnd = min(replica.verifiedEnd, changed)
        }
        // The coordinators' logs are judged as long as nothing of them was lost.
        if partition.topicName.hasPrefix("__"), let replica, partition.committed.isHeld(by: replica.disk) {
            return reach("an unclean election of a coordinator lost nothing")
        }
        partition.ledUnclean(
            by: replica?.disk ?? DiskLog(directory: ""), below: replica?.witness?.logEnd, in: fresh.leaderEpoch)
        reach("an unclean election")
        if partition.committed.end < before {
            isLossy = true
            reach("an unclean election lost records")
            trace.add(0, "\(partition.name) is committed up to \(partition.committed.end) only, it was \(before)")
        }
    }

    /// Who was elected and fenced again before any node had applied the one or the other: it has not served.
    private static func unseenLeader(
        _ former: PartitionRegistration, _ fresh: PartitionRegistration
    ) -> BrokerID? {
        let eligible = fresh.isr + fresh.eligibleLeaderReplicas
        guard fresh.recoveryState == .recovering, fresh.leaderEpoch.value > former.leaderEpoch.value + 1,
            eligible.count == 1
        else { return nil }
        return eligible[0]
    }

    /// A node's event is over: looks at what it changed, and judges.
    func observe(_ number: Int) {
        guard violation == nil else { return }
        let machine = machines[number - 1]
        guard let node = machine.node else { return forget(number) }
        let (witness, view) = (node.witness, nodes[number - 1])
        view.registeredEpoch = witness.registeredEpoch
        if let steps = witness.quorumSteps, steps != view.quorumSteps || quorum.needsRefresh(number) {
            view.quorumSteps = steps
            if let witness = node.quorumWitness, let reason = quorum.observe(witness, machine) {
                return violated(reason)
            }
        }
        touched.removeAll(keepingCapacity: true)
        var isImageNew = false
        if let end = witness.appliedEnd, end != view.appliedEnd, let applied = node.appliedMetadata {
            view.appliedEnd = applied.provenance.end
            refreshReplicas(number, node)
            if applied.provenance.end > image.provenance.end {
                take(applied)
                isImageNew = true
            }
            let committed = quorum.committed.end
            if let reason = invariants.metadataIsPrefix.violation(applied, of: number, committed: committed) {
                return violated(reason)
            }
        }
        if view.replicas.isEmpty == witness.hasReplicas { refreshReplicas(number, node) }
        for (believed, partition) in view.replicas where look(at: believed, partition, number) {
            touched.append(partition)
        }
        // Who is registered and fenced decides whom the rules speak of.
        if isImageNew { touched = inOrder }
        for partition in touched { judge(partition, isRegistrationNew: isImageNew) }
    }

    /// The disk of a machine was replaced by an empty one.
    func wiped(_ number: Int) {
        quorum.wiped(number)
        observe(number)
    }

    private func forget(_ number: Int) {
        nodes[number - 1] = NodeView()
        for id in partitionIDs { partitions[id]?.replicas[number]?.witness = nil }
        quorum.witnesses[number - 1] = nil
    }

    private func refreshReplicas(_ number: Int, _ node: Node) {
        let replicas = node.replicas
        for partition in replicas {
            if partitions[partition.id] == nil { add(partition.id, partition.topicName) }
            let directory = VirtualNames.normalized(partition.directory)
            if partitions[partition.id]?.replicas[number]?.disk.directory != directory {
                partitions[partition.id]?.put(ReplicaTruth(node: number, disk: DiskLog(directory: directory)))
            }
        }
        nodes[number - 1].replicas = replicas.compactMap { replica in partitions[replica.id].map { (replica, $0) } }
        let present = Set(replicas.map(\.id))
        for id in partitionIDs where !present.contains(id) { partitions[id]?.replicas[number]?.witness = nil }
    }

    private func add(_ id: TopicPartitionID, _ topicName: String) {
        let made = PartitionTruth(id: id, topicName: topicName)
        partitions[id] = made
        partitionIDs.append(id)
        inOrder.append(made)
    }

    /// Takes newer metadata over.
    private func take(_ applied: MetadataImage) {
        image = applied
        for machine in machines { registeredLives[machine.number - 1] = applied.brokers[machine.id]?.epoch }
        for topic in applied.topics.sortedByName {
            for index in topic.partitions.indices {
                let id = TopicPartitionID(topic.id, PartitionIndex(Int32(index)))
                if partitions[id] == nil { add(id, topic.name) }
            }
        }
        for id in partitionIDs {
            let fresh = applied.topics[id]
            guard partitions[id]?.registration != fresh else { continue }
            if let reason = invariants.change(of: partitions[id]!, to: fresh, in: self) { violated(reason) }
            if let fresh { noteElection(id, fresh) }
            if let fresh { noteUnclean(partitions[id]!, fresh) }
            partitions[id]?.registration = fresh
            if let fresh {
                trace.add(0, "\(partitions[id]!.name) \(ClusterTruth.words(fresh))")
                note(fresh)
            }
        }
    }

    private static func words(_ partition: PartitionRegistration) -> String {
        let leader = partition.leader.map { "\($0)" } ?? "none"
        return "leader \(leader) epoch \(partition.leaderEpoch).\(partition.partitionEpoch) isr \(partition.isr) "
            + "elr \(partition.eligibleLeaderReplicas) of \(partition.replicas)"
    }

    private func note(_ partition: PartitionRegistration) {
        if partition.leader == nil { reach("partition without a leader") }
        if partition.isr.isEmpty { reach("recovery candidates") }
        if !partition.eligibleLeaderReplicas.isEmpty { reach("eligible leader replicas") }
        if partition.isr.count < 2 { reach("fewer in sync than acks=all needs") }
        if !partition.addingReplicas.isEmpty { reach("reassignment") }
    }

    /// Whether anything about a replica is other than when it was last seen.
    private func look(at believed: Partition, _ partition: PartitionTruth, _ number: Int) -> Bool {
        guard let replica = partition.replicas[number] else { return false }
        let isWritten = replica.disk.needsRefresh
        let known = replica.witness
        guard isWritten || !believed.isStill(known) else { return false }
        let witness = believed.witness
        if isWritten, let changed = replica.disk.refresh(machines[number - 1].files) {
            if changed < replica.verifiedEnd { replica.verifiedEnd = changed }
            if known != nil { reach("a replica cut its log") }
        }
        if !replica.disk.unseenMarkers.isEmpty { judgeMarkers(of: replica, partition) }
        if let rot = replica.rot, !rot.isThere(machines[number - 1].files) {
            replica.rot = nil
            reach("a rotten log mended")
        }
        if trace.isKept { describe(replica, witness, partition.name) }
        // Metadata comes in pieces: one may complete the high watermark of a leader that the next one deposes.
        replica.hasJustLed = known?.leading != nil && witness?.leading == nil
        replica.witness = witness
        return true
    }

    private func describe(_ replica: ReplicaTruth, _ now: ReplicaWitness?, _ name: String) {
        let before = replica.witness
        guard let now else { return trace.add(replica.node, "\(name) has no open log") }
        let role = now.leading != nil ? "leads" : now.isFollowing ? "follows" : "waits"
        let formerRole = before.map { $0.leading != nil ? "leads" : $0.isFollowing ? "follows" : "waits" }
        if role != formerRole || before?.leaderEpoch != now.leaderEpoch {
            trace.add(
                replica.node,
                "\(name) \(role) in epoch \(now.leaderEpoch): end \(now.logEnd) flushed \(now.flushedEnd) "
                    + "hw \(now.highWatermark)")
        } else if before?.highWatermark != now.highWatermark || before?.logEnd != now.logEnd {
            trace.add(
                replica.node, "\(name) end \(now.logEnd) flushed \(now.flushedEnd) hw \(now.highWatermark)")
        } else if let leading = now.leading, leading != before?.leading {
            trace.add(replica.node, "\(name) counts on \(leading.maximalInSync), confirmed \(leading.inSync)")
        }
    }

    /// Judges one partition by all rules.
    private func judge(_ partition: PartitionTruth, isRegistrationNew: Bool) {
        guard violation == nil else { return }
        let reason = invariants.violation(of: partition, in: self, isRegistrationNew: isRegistrationNew)
        if let reason { return violated("\(partition.name): \(reason)") }
        guard let groups, partition.topicName == GroupTruth.topicName else { return }
        if let reason = groups.look(at: partition, machines) { violated("\(partition.name): \(reason)") }
    }

    // MARK: wires

    /// A producer was told that its batch is written to all in-sync replicas.
    func acknowledged(_ id: TopicPartitionID, _ batch: AcknowledgedBatch) {
        guard let partition = partitions[id] else { return violated("INV-5: \(id) acknowledged and unknown") }
        acknowledgedCount += batch.recordCount
        // What a leader of before an unclean election said may come later than that.
        if partition.uncleanEpoch == nil, let reason = AcksAreCommitted.violation(batch, in: partition) {
            violated("\(partition.name): \(reason)")
        }
    }

    /// A consumer was given batches.
    func consumed(_ id: TopicPartitionID, _ bytes: Bytes, by client: Int) {
        guard let partition = partitions[id] else { return violated("INV-4: \(id) read and unknown") }
        switch ConsumedIsCommitted.judge(bytes, in: partition) {
        case .success(let count): consumedCount += count
        case .failure where partition.uncleanEpoch != nil: reach("an answer from before an unclean election")
        case .failure(let reason): violated("\(partition.name): client \(client): \(reason.text)")
        }
    }

    /// Whether any disk, of a running machine or not, still has all that is committed of a partition.
    func isSomewhere(_ id: TopicPartitionID) -> Bool {
        // Of a new partition nobody may have a replica yet.
        guard let partition = partitions[id], partition.registration != nil, partition.committed.end > .zero else {
            return true
        }
        return partition.numbers.contains { hasAll(partition, $0) }
    }

    /// Whether the disk of a machine has all that is committed of a partition.
    func hasAll(_ partition: PartitionTruth, _ number: Int) -> Bool {
        guard let replica = partition.replicas[number] else { return false }
        var disk = DiskLog(directory: replica.disk.directory)
        _ = disk.refresh(machines[number - 1].files)
        let start = disk.batches.first?.base ?? partition.committed.end
        let end = partition.committed.end
        return start == .zero && partition.committed.difference(to: disk, from: .zero, below: end) == nil
    }
}

extension ClusterTruth {
    /// A consumer was told that an offset does not exist, which it was told of before (rule 9: it would start anew).
    func toldOutOfRange(_ id: TopicPartitionID, _ offset: Offset) {
        guard let partition = partitions[id], offset <= partition.committed.end else { return }
        violated(
            "rule 9: \(partition.name): \(offset) is called out of range, committed up to \(partition.committed.end)")
    }
}
