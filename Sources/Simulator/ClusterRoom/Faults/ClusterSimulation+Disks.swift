import Primitives

/// Disks that fail: nodes may end themselves for it, and what they said before has to hold.
extension ClusterSimulation {
    /// Who acknowledges and then ends itself for its disk, all in one event, believes nothing any more when that is
    /// over: where disks fail, it is looked at as what it says leaves.
    func listenToFailing() {
        guard plan.faults.contains(.fullDisk) || plan.faults.contains(.failingDisk) else { return }
        network.watch { [weak self] node in
            guard let self, node <= machines.count, faults.mayFail(machines[node - 1]) else { return }
            faults.spoke = (node, time.eventCount)
            truth.observe(node)
        }
    }

    /// The disk takes a little more, and then no more for a while.
    func fill(_ machine: SimulatedMachine) {
        let room = Int64(generator.next() % 20_000)
        breakDisk(of: machine, "has \(room) bytes of room left") { files in
            files.limit(toBytes: files.usedBytes + room)
        }
    }

    /// Every write fails for a while, or every synchronisation.
    func failDisk(of machine: SimulatedMachine) {
        let failsWrites = generator.chance(1, in: 2)
        breakDisk(of: machine, failsWrites ? "fails to write" : "fails to synchronise") { files in
            if failsWrites { files.failWrites(true) } else { files.failSynchronize(true) }
        }
    }

    private func breakDisk(of machine: SimulatedMachine, _ words: String, _ fault: (VirtualFiles) -> Void) {
        guard machine.condition == .running, mayEndUnclean(machine) else { return }
        log.add(machine.number, "the disk \(words)")
        faults.brokenDisks.insert(machine.number)
        fault(machine.files)
        later(some(200...5_000)) { [self] in repairDisk(of: machine) }
    }

    /// The disk works again.
    func repairDisk(of machine: SimulatedMachine) {
        guard faults.brokenDisks.remove(machine.number) != nil else { return }
        faults.repairedLives[machine.number] = machine.lives
        machine.files.limit(toBytes: .max)
        machine.files.failWrites(false)
        machine.files.failSynchronize(false)
        log.add(machine.number, "the disk works again")
    }

    /// The longest that is waited for all to be whole, and how often it is looked.
    private static let quietMilliseconds: Int64 = 7_000
    private static let quietLookMilliseconds: Int64 = 200

    /// Has a disk lose something as soon as that is allowed. Among many other faults it hardly ever is: every second
    /// time they make room for it.
    func onceWhole(_ loss: @escaping @Sendable () -> Void) {
        if mayLoseDisk { return loss() }
        guard generator.chance(1, in: 2) else { return }
        faults.quietUntil = time.now.advanced(byMilliseconds: ClusterSimulation.quietMilliseconds)
        lookAgain(loss)
    }

    private func lookAgain(_ loss: @escaping @Sendable () -> Void) {
        later(ClusterSimulation.quietLookMilliseconds) { [self] in
            if mayLoseDisk {
                faults.quietUntil = time.now
                loss()
            } else if time.now < faults.quietUntil {
                lookAgain(loss)
            }
        }
    }

    /// What may be damaged without a loss: it follows from the log, and has to be seen to be wrong.
    private static let derived = [".index", ".timeindex", ".snapshot"]

    /// A bit of a file that follows from others is another when the process is back.
    func rot(_ machine: SimulatedMachine) {
        outage(of: machine) { machine in
            machine.kill()
            let flipped = flipBit(of: machine) { path in
                path.hasPrefix(SimulatedMachine.dataDirectory)
                    && ClusterSimulation.derived.contains(where: path.hasSuffix)
            }
            if flipped != nil { truth.reach("a bit of an index flipped") }
        }
    }

    /// A bit of the records themselves is another: nobody may be given it, and the replica is made anew from its
    /// leader. While every replica is in sync, one disk at a time, as this is one copy less.
    func rotLog(_ machine: SimulatedMachine) {
        guard machine.condition == .running, mayLoseDisk else { return }
        if generator.chance(1, in: 2) { return rotUnseen(machine) }
        faults.lossy = machine.number
        faults.lossyLife = machine.lives
        machine.kill()
        let directories = truth.directories(of: machine.number)
        if let (path, position) = flipBit(
            of: machine, where: { $0.hasSuffix(".log") && directories.contains(VirtualNames.parent($0)) })
        {
            truth.rotted(machine.number, path, position)
            truth.reach("a bit of a log flipped")
        }
        truth.observe(machine.number)
        startLater(machine)
    }

    /// A bit of a closed segment is another while the process runs that wrote and checked it: its page has left memory.
    /// Somebody reads all from the start, of the leaders: their logs are worth more trouble than the others'.
    private func rotUnseen(_ machine: SimulatedMachine) {
        let isOfLeader = generator.chance(2, in: 3)
        let directories = truth.directories(of: machine.number, led: isOfLeader)
        let logs = machine.files.paths.filter { $0.hasSuffix(".log") }
        let closed = zip(logs, logs.dropFirst()).filter { VirtualNames.parent($0) == VirtualNames.parent($1) }.map(\.0)
        let found = flipBit(of: machine) { closed.contains($0) && directories.contains(VirtualNames.parent($0)) }
        guard let (path, position) = found else { return }
        faults.lossy = machine.number
        faults.lossyLife = machine.lives - 1
        truth.rotted(machine.number, path, position)
        truth.reach("a bit of a log flipped under a running process")
        readAnew()
    }

    /// Flips a bit of one of the files that have any; gives its path and byte.
    private func flipBit(of machine: SimulatedMachine, where isMeant: (String) -> Bool) -> (String, Int)? {
        let written = machine.files.paths.filter { isMeant($0) && machine.files.look(into: $0)?.isEmpty == false }
        guard !written.isEmpty else { return nil }
        let path = written[Int(generator.next() % UInt64(written.count))]
        let bits = UInt64((machine.files.look(into: path)?.count ?? 1) * 8)
        let bit = Int(generator.next() % bits)
        log.add(machine.number, "bit \(bit % 8) of byte \(bit / 8) of \(path) flips")
        machine.files.flip(bit: bit, of: path)
        return (path, bit / 8)
    }
}
