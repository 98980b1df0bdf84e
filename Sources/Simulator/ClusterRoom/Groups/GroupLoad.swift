import ClientCore
import Metadata
import Primitives
import WireMessages

/// The groups of a run: their members, what happens to them, and what has to be so in the end.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class GroupLoad: @unchecked Sendable {
    private struct Group {
        let name: String
        let speech: GroupPlan.Speech
        var members: [SimulatedMember] = []
        /// Those that were replaced while they stood still.
        var former: [SimulatedMember] = []
        /// Names of static members are numbered.
        var names = 0
    }

    private let plan: GroupPlan
    private let simulation: ClusterSimulation
    let truth: GroupTruth
    private var generator: SeededGenerator
    private var groups: [Group]
    private let reader: OffsetReader
    private let watch: GroupWatch
    private var isOver = false

    /// A member comes that late after another one has gone.
    private static let replacementMillisecondsMax: Int64 = 1_500
    /// Up to some sessions and rebalances.
    private static let pauseMillisecondsMax: Int64 = 8_000

    /// How often it is looked whether a group has a member, after the healing.
    private static let repopulationMilliseconds: Int64 = 1_000

    init(_ plan: GroupPlan, in simulation: ClusterSimulation) {
        self.plan = plan
        self.simulation = simulation
        truth = GroupTruth(simulation.time)
        generator = SeededGenerator(seed: simulation.time.draw())
        groups = plan.groups.enumerated().map { Group(name: "group-\($0)", speech: $1) }
        reader = OffsetReader(
            simulation.client(), groups: groups.map(\.name), places: simulation.places, truth: simulation.truth,
            groupTruth: truth)
        watch = GroupWatch(simulation.client(), groups: groups.map(\.name))
    }

    private func some(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(generator.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    private func later(_ milliseconds: Int64, _ work: @escaping @Sendable () -> Void) {
        simulation.time.schedule(afterMicroseconds: milliseconds * 1_000) { [self] in if !isOver { work() } }
    }

    // MARK: members

    func start() {
        for index in groups.indices {
            for _ in 0..<(1 + Int(generator.next() % UInt64(plan.membersMax))) { add(to: index) }
        }
        reader.start()
        troubleLater()
    }

    /// - Parameter instanceID: of the one whose place it takes.
    private func add(to index: Int, as instanceID: String? = nil) {
        var name = instanceID
        if name == nil, let oneIn = plan.staticOneIn, generator.chance(1, in: oneIn) {
            groups[index].names += 1
            name = "name-\(groups[index].names)"
        }
        let speech = groups[index].speech
        let isClassic = speech == .mixed ? generator.chance(1, in: 2) : speech == .classic
        let member = SimulatedMember(
            simulation.client(), group: groups[index].name, speech: isClassic ? .classic : .consumer,
            instanceID: name, topic: ClusterSimulation.topic, commitMilliseconds: plan.commitMilliseconds,
            truth: simulation.truth, groups: truth, history: simulation.history,
            trace: simulation.log)
        groups[index].members.append(member)
        let words = isClassic ? "classic" : "consumer"
        simulation.log.add(
            0, "client \(member.client.number) joins \(groups[index].name) by the \(words) protocol"
                + "\(name.map { " as \($0)" } ?? "")")
        member.start()
    }

    private func addLater(to index: Int, as instanceID: String?) {
        later(some(1...GroupLoad.replacementMillisecondsMax)) { [self] in
            if groups[index].members.count < plan.membersMax { add(to: index, as: instanceID) }
        }
    }

    // MARK: trouble

    private func troubleLater() {
        guard !plan.troubles.isEmpty else { return }
        later(1 + some(0...2 * plan.troubleMilliseconds)) { [self] in
            cause(plan.troubles[Int(generator.next() % UInt64(plan.troubles.count))])
            troubleLater()
        }
    }

    private func cause(_ trouble: GroupPlan.Trouble) {
        if trouble == .coordinatorMove { return moveCoordinator() }
        let index = Int(generator.next() % UInt64(groups.count))
        groups[index].members.removeAll { $0.client.isClosed }
        guard !groups[index].members.isEmpty else { return add(to: index) }
        let at = Int(generator.next() % UInt64(groups[index].members.count))
        let member = groups[index].members[at]
        let words = "client \(member.client.number) of \(groups[index].name)"
        switch trouble {
        case .crash:
            simulation.log.add(0, "\(words) dies")
            groups[index].members.remove(at: at)
            member.crash()
            addLater(to: index, as: generator.chance(1, in: 2) ? member.life.instanceID : nil)
        case .leave:
            guard !member.isPaused else { return }
            simulation.log.add(0, "\(words) leaves")
            groups[index].members.remove(at: at)
            groups[index].former.append(member)
            let comesBack = generator.chance(1, in: 2)
            truth.mayBeEmpty(member.life.group)
            member.leave(comesBack: comesBack)
            addLater(to: index, as: comesBack ? member.life.instanceID : nil)
        case .pause: pause(member, index)
        case .coordinatorMove: break
        }
    }

    private func pause(_ member: SimulatedMember, _ index: Int) {
        guard !member.isPaused else { return }
        let duration = some(100...GroupLoad.pauseMillisecondsMax)
        simulation.log.add(0, "client \(member.client.number) of \(groups[index].name) stands still")
        member.pause()
        later(duration) { [self] in
            simulation.log.add(0, "client \(member.client.number) goes on")
            member.resume()
        }
        // Another process of its name begins: what the first one still says is refused.
        if let name = member.life.instanceID, generator.chance(1, in: 2) {
            groups[index].members.removeAll { $0 === member }
            groups[index].former.append(member)
            addLater(to: index, as: name)
        }
    }

    /// Another replica of a partition of the log leads: its replicas get another order, and the first is elected.
    private func moveCoordinator() {
        guard let topic = simulation.truth.image.topics[name: GroupTruth.topicName] else { return }
        let index = Int(generator.next() % UInt64(topic.partitions.count))
        let registration = topic.partitions[index]
        let replicas = registration.replicas.filter { !registration.removingReplicas.contains($0) }
        let turned = Array(replicas.dropFirst() + replicas.prefix(1))
        simulation.log.add(0, "\(GroupTruth.topicName)-\(index) is to be led by \(turned[0])")
        simulation.truth.reach("a coordinator moved")
        var partition = AlterPartitionReassignmentsRequest.ReassignablePartition()
        partition.partitionIndex = PartitionIndex(Int32(index))
        partition.replicas = turned
        var moved = AlterPartitionReassignmentsRequest.ReassignableTopic()
        moved.name = GroupTruth.topicName
        moved.partitions = [partition]
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [moved]
        let admin = simulation.admin
        admin.insist(on: request, attempts: 3) { response in
            guard response.errorCode == .noError else { return false }
            var elected = ElectLeadersRequest.TopicPartitions()
            elected.topic = GroupTruth.topicName
            elected.partitions = [PartitionIndex(Int32(index))]
            var election = ElectLeadersRequest()
            election.electionType = 0
            election.topicPartitions = [elected]
            election.timeoutMilliseconds = 2_000
            admin.insist(on: election, attempts: 3) { $0.errorCode == .noError }
            return true
        }
    }

    // MARK: the end

    /// All go on, each name has one process, each group has a member, and no trouble comes any more.
    func heal() {
        isOver = true
        for index in groups.indices {
            var youngest: [String: Int] = [:]
            let alive = (groups[index].former + groups[index].members).filter(\.isAlive)
            for member in alive {
                guard let name = member.life.instanceID else { continue }
                youngest[name] = max(youngest[name] ?? 0, member.life.number)
            }
            for member in alive {
                guard let name = member.life.instanceID, youngest[name] != member.life.number else { continue }
                simulation.log.add(0, "client \(member.client.number) ends: its name is another's")
                member.crash()
            }
            for member in alive where member.isAlive && member.isPaused { member.resume() }
        }
        repopulate()
        watch.start()
    }

    /// A group has a member in the end, also where the last one is refused as late as now.
    private func repopulate() {
        for index in groups.indices where !(groups[index].members + groups[index].former).contains(where: \.isAlive) {
            add(to: index)
        }
        simulation.time.schedule(afterMicroseconds: GroupLoad.repopulationMilliseconds * 1_000) { [weak self] in
            self?.repopulate()
        }
    }

    func close() {
        for group in groups { for member in group.former + group.members { member.client.close() } }
        reader.close()
        watch.close()
    }

    /// What of groups is not as it has to be at rest; nil for nothing.
    var unrest: String? {
        for index in groups.indices {
            let alive = (groups[index].members + groups[index].former).filter { !$0.client.isClosed }
            if let reason = unrest(of: groups[index].name, alive) { return "\(groups[index].name): \(reason)" }
        }
        return nil
    }

    private func unrest(of group: String, _ members: [SimulatedMember]) -> String? {
        for member in members where !member.isAtRest(end) {
            let stands = member.owned.map { place in
                "\(place) at \(member.position(place) ?? .zero), committed \(member.committed[place] ?? .zero) of "
                    + "\(end(place))"
            }
            return "client \(member.client.number) is not at rest: \(stands)"
        }
        for place in simulation.places {
            let owners = members.filter { $0.owned.contains(place) }
            if owners.count != 1 { return "\(place) has \(owners.count) members" }
            let key = GroupPlace(group: group, place: place)
            let told = truth.ownership.owner(of: key)
            if told !== owners[0].life {
                return "\(place) is client \(owners[0].client.number)'s, and client \(told?.number ?? 0) was told so"
            }
            guard !simulation.truth.isLossy else { continue }
            if let missed = truth.processed[key, default: ProcessedRanges()].missing(below: end(place)) {
                return "\(place): the record at \(missed) was processed by nobody"
            }
        }
        return watch.unrest(of: group)
    }

    /// The end of what is committed.
    private func end(_ place: TopicPartition) -> Offset {
        guard let id = simulation.truth.image.topics[name: place.topic]?.id else { return .zero }
        return simulation.truth.partitions[TopicPartitionID(id, place.partition)]?.committed.end ?? .zero
    }
}

extension ClusterSimulation {
    /// The clocks go on by some retention times: who reads in a group finds its offset all the same (rule 34).
    func ageOffsets() throws(SimulationFailure) {
        guard plan.forgetsOffsets else { return }
        log.add(0, "time passes by the clocks")
        for machine in machines { machine.clock.jump(byMilliseconds: 10 * GroupPlan.retentionMilliseconds) }
        try run(until: time.now.advanced(byMilliseconds: 3 * GroupPlan.retentionCheckMilliseconds / 2))
    }

    func startGroups() {
        guard let plan = plan.groups else { return }
        let load = GroupLoad(plan, in: self)
        groups = load
        truth.groups = load.truth
        load.start()
    }
}
