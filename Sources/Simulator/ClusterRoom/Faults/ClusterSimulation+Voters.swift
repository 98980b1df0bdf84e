import BrokerServer
import LogStorage
import Primitives
import Quorum
import WireMessages
import World

/// Voters of the metadata quorum that come and go, by the requests that `metadata-quorum` makes (KIP-853), and voters
/// whose metadata are lost, which an operator replaces.
extension ClusterSimulation {
    /// How long the operator waits between two looks.
    private static let operateMilliseconds: ClosedRange<Int64> = 50...1_000
    /// How long the operator waits for an answer: longer than a node takes to give one.
    private static let answerMilliseconds: Int64 = 12_000
    /// How long a new voter may take to catch up.
    private static let addMilliseconds: Int32 = 5_000

    /// The first voters; with their directories where those are to stand in the log.
    static func founders(_ machines: [SimulatedMachine], _ plan: ClusterPlan) -> [VoterName] {
        machines.prefix(plan.voterCount).map { machine in
            var generator = SeededGenerator(seed: UInt64(machine.number))
            let id = plan.hasDynamicVoters ? DirectoryID.random(using: &generator) : .zero
            return VoterName(number: machine.number, directory: id)
        }
    }

    /// Formats the founders' directories, as `storage format --initial-controllers` does.
    func foundQuorum() {
        let founders = truth.quorum.founders
        let voters = VoterSet(
            members: founders.map { founder in
                Voter(
                    key: ReplicaKey(id: BrokerID(Int32(founder.number)), directoryID: founder.directory),
                    endpoints: [SimulatedMachine.controllerEndpoint(founder.number)])
            })
        for founder in founders { machines[founder.number - 1].format(founder.directory, founding: voters) }
    }

    // MARK: the operator

    /// The operator begins to look after the quorum.
    func operateQuorum() {
        faults.voters = VoterOperator(
            wanted: Set(truth.quorum.founders.map(\.number)), generator: SeededGenerator(seed: time.draw()))
        lookAfterVoters()
    }

    private func lookAfterVoters() {
        faults.voters?.forget(at: time.now)
        if let wish = nextWish { ask(for: wish) }
        let range = ClusterSimulation.operateMilliseconds
        let wait = faults.voters?.generator.next() ?? 0
        time.schedule(
            afterMicroseconds: (range.lowerBound + Int64(wait % UInt64(range.count))) * 1_000
        ) { [weak self] in self?.lookAfterVoters() }
    }

    /// One that is lost goes first; then who is wanted comes and who is not goes, in any order.
    private var nextWish: MetadataLogTruth.Wish? {
        guard let state = faults.voters, state.open.count < VoterOperator.openMax,
            state.pending.count < VoterOperator.pendingMax
        else { return nil }
        truth.quorum.refresh(machines)
        let voters = truth.quorum.voters.newest
        var wishes = truth.quorum.lost.map { MetadataLogTruth.Wish.remove($0) }
        if wishes.isEmpty {
            for number in state.wanted.sorted() where !voters.contains(where: { $0.number == number }) {
                let id = truth.quorum.directories[number - 1]
                if let id { wishes.append(.add(VoterName(number: number, directory: id))) }
            }
            wishes += voters.filter { !state.wanted.contains($0.number) }.map { .remove($0) }
        }
        let (open, pending) = (state.open, state.pending)
        wishes.removeAll { open.contains($0) || !truth.quorum.survives(pending + [$0]) }
        guard !wishes.isEmpty, let number = faults.voters?.generator.next() else { return nil }
        return wishes[Int(number % UInt64(wishes.count))]
    }

    private func ask(for wish: MetadataLogTruth.Wish) {
        let sets = truth.quorum.voters.sets.count
        guard let number = faults.voters?.asked(wish, at: time.now, setsBefore: sets) else { return }
        let wait = ClusterSimulation.answerMilliseconds
        switch wish {
        case .remove(let voter):
            log.add(0, "the operator removes voter \(voter)")
            var request = RemoveRaftVoterRequest()
            request.clusterID = nil
            request.voterID = BrokerID(Int32(voter.number))
            request.voterDirectoryID = voter.directory
            admin.client.send(request, timeoutMilliseconds: wait) { [weak self] result in
                self?.answered(number, wish, (try? result.get()).map { (code: $0.errorCode, words: $0.errorMessage) })
            }
        case .add(let voter):
            log.add(0, "the operator adds voter \(voter)")
            let endpoint = SimulatedMachine.controllerEndpoint(voter.number)
            var listener = AddRaftVoterRequest.Listener()
            listener.name = endpoint.listenerName
            listener.host = endpoint.host
            listener.port = endpoint.port
            var request = AddRaftVoterRequest()
            request.clusterID = nil
            request.timeoutMilliseconds = ClusterSimulation.addMilliseconds
            request.voterID = BrokerID(Int32(voter.number))
            request.voterDirectoryID = voter.directory
            request.listeners = [listener]
            admin.client.send(request, timeoutMilliseconds: wait) { [weak self] result in
                self?.answered(number, wish, (try? result.get()).map { (code: $0.errorCode, words: $0.errorMessage) })
            }
        }
    }

    /// What the operator is told to be done has been committed.
    private func answered(_ number: Int, _ wish: MetadataLogTruth.Wish, _ answer: (code: ErrorCode, words: String?)?) {
        guard let asked = faults.voters?.asks[number] else { return }
        let isOver = [.noError, .voterNotFound, .duplicateVoter].contains(answer?.code)
        faults.voters?.answered(number, isOver: isOver)
        guard answer?.code == .noError else {
            log.add(0, "the operator hears of \(wish): \(answer.map { "\($0.code) \($0.words ?? "")" } ?? "nothing")")
            return truth.reach("a change of the voters refused or unanswered")
        }
        log.add(0, "the operator hears of \(wish): done")
        truth.reach(wish.isAddition ? "a voter added" : "a voter removed")
        if !truth.quorum.voters.sets.dropFirst(asked.setsBefore).contains(where: wish.isMade) {
            truth.violated("quorum: the operator was told that \(wish) is done, and it is not committed")
        }
    }

    // MARK: faults

    /// The operator wants other voters, or a machine loses its metadata.
    func changeVoters(_ machine: SimulatedMachine) {
        guard let wanted = faults.voters?.wanted else { return }
        switch generator.next() % 4 {
        case 0: loseMetadata(of: machine)
        case 1:
            let leader = machines.first { $0.node?.isActiveController ?? false }
            if let leader { unwant(leader, wanted) }
        case 2: unwant(machine, wanted)
        default:
            let outside = machines.filter { !wanted.contains($0.number) }
            guard !outside.isEmpty else { return unwant(machine, wanted) }
            faults.voters?.wanted.insert(outside[Int(generator.next() % UInt64(outside.count))].number)
        }
    }

    /// Of two voters each is needed: seldom one alone is left. Who has no vote is to have one.
    private func unwant(_ machine: SimulatedMachine, _ wanted: Set<Int>) {
        guard wanted.contains(machine.number) else {
            faults.voters?.wanted.insert(machine.number)
            return
        }
        guard wanted.count > 2 || wanted.count == 2 && generator.chance(1, in: 8) else { return }
        faults.voters?.wanted.remove(machine.number)
        let isLeader = machine.node?.isActiveController ?? false
        truth.reach(isLeader ? "a leader is to lose its vote" : "a voter is to lose its vote")
    }

    /// The directory of the metadata is a new one, and so no voter any more; the records are still there.
    private func loseMetadata(of machine: SimulatedMachine) {
        guard machine.condition == .running, mayEndUnclean(machine), mayLoseVoter(machine) else { return }
        log.add(machine.number, "loses its metadata")
        machine.kill()
        machine.files.wipe(SimulatedMachine.metadataDirectory)
        truth.wiped(machine.number)
        truth.reach("metadata lost")
        startLater(machine)
    }

    /// Whether the quorum goes on without a machine's metadata.
    func mayLoseVoter(_ machine: SimulatedMachine) -> Bool {
        guard let state = faults.voters else { return true }
        truth.quorum.refresh(machines)
        return truth.quorum.mayLose(machine.number, state.pending)
    }

    /// What the operator still has to do; nil when the voters are as they should be.
    var unrestOfVoters: String? {
        guard let state = faults.voters else { return nil }
        if let lost = truth.quorum.lost.first { return "voter \(lost) is lost and not replaced" }
        let voters = truth.quorum.voters.newest
        if Set(voters.map(\.number)) != state.wanted { return "the voters are \(voters), not \(state.wanted.sorted())" }
        return nil
    }
}

extension SimulatedMachine {
    static func controllerEndpoint(_ number: Int) -> VoterEndpoint {
        VoterEndpoint(
            listenerName: "CONTROLLER", host: "node-\(number)", port: UInt16(SimulatedMachine.controllerPort(number)))
    }

    /// The id of the directory that its metadata lie in; nil where it is not formatted.
    var metadataDirectoryID: DirectoryID? {
        (try? MetaProperties.read(in: SimulatedMachine.metadataDirectory, files))?.directoryID
    }

    /// Formats the empty disk of a founder.
    func format(_ directoryID: DirectoryID, founding voters: VoterSet) {
        let directory = SimulatedMachine.metadataDirectory
        do throws(FileError) {
            try SnapshotFiles.found(voters, in: directory, files, now: clock.timeOfDay)
            try MetaProperties(clusterID: SimulatedMachine.clusterID, nodeID: id, directoryID: directoryID)
                .write(in: directory, files)
            try files.synchronizeDirectory("")
        } catch { preconditionFailure("an empty disk refuses to be formatted: \(error)") }
    }
}
