import BrokerServer
import Metadata
import Primitives

/// All who have a partition die at nearly the same time, and all logs but one that has everything end earlier when they
/// are back (fault row F20): whoever is seen first to be gone, nothing that is committed may be lost.
extension ClusterSimulation {
    /// They die within so long.
    private static let deathsMilliseconds: Int64 = 30
    /// They come back within so long, so that the controller waits for each of them.
    private static let returnMilliseconds: Int64 = 3_000
    /// An only whole log that is not back after so long may be waited for no longer.
    private static let awaitedMilliseconds: Int64 = 8_000

    func dieTogether() {
        guard mayLoseDisk, let (_, registration) = somePartition else { return }
        let isEverybody = generator.chance(1, in: 2)
        let victims = machines.filter { isEverybody || registration.replicas.contains($0.id) }
        log.add(0, "machines \(victims.map(\.number)) are about to die")
        faults.isCutting = true
        faults.cutAt = time.now.advanced(byMilliseconds: ClusterSimulation.deathsMilliseconds + 1)
        for machine in victims {
            later(some(0...ClusterSimulation.deathsMilliseconds)) { [self] in
                machine.kill()
                truth.observe(machine.number)
            }
        }
        later(ClusterSimulation.deathsMilliseconds + 1) { [self] in cutLogs(of: victims) }
    }

    /// Whether logs were cut, and not all have everything again.
    var mustReturnSoon: Bool {
        // As long as they are about to die, they are whole.
        if faults.isCutting, time.now > faults.cutAt, isWhole { faults.isCutting = false }
        return faults.isCutting
    }

    private func cutLogs(of victims: [SimulatedMachine]) {
        for machine in victims { startLater(machine, withinMilliseconds: ClusterSimulation.returnMilliseconds) }
        // One may have ended in order, or be back.
        guard victims.allSatisfy({ $0.condition == .down }), truth.isMetadataSettled else { return }
        for id in truth.partitionIDs {
            guard let partition = truth.partitions[id], let registration = partition.registration else { continue }
            let complete = truth.complete(partition)
            guard !complete.isEmpty else { continue }
            let whole = complete[Int(generator.next() % UInt64(complete.count))]
            truth.survivors[id] = Survivor(
                number: whole,
                awaitedUntil: time.now.advanced(byMilliseconds: ClusterSimulation.awaitedMilliseconds))
            log.add(whole, "\(partition.name) is whole here only")
            for machine in victims where machine.number != whole && registration.replicas.contains(machine.id) {
                if let directory = partition.replicas[machine.number]?.disk.directory { cut(directory, of: machine) }
            }
            truth.reach("the logs of all but one were cut")
        }
    }

    /// A log ends earlier, or is empty.
    private func cut(_ directory: String, of machine: SimulatedMachine) {
        let paths = machine.files.paths.filter { VirtualNames.parent($0) == directory }
        let segments = paths.filter { $0.hasSuffix(".log") }
        let sizes = segments.map { machine.files.look(into: $0)?.count ?? 0 }
        var left = generator.chance(1, in: 3) ? 0 : Int(some(0...Int64(sizes.reduce(0, +))))
        log.add(machine.number, "\(directory) is cut to \(left) bytes")
        for (place, segment) in segments.enumerated() {
            if left >= sizes[place] {
                left -= sizes[place]
            } else if place == 0 || left > 0 {
                machine.files.cut(segment, to: left)
                left = 0
            } else {
                // What belongs to a segment has its name, but for the ending.
                let stem = segment.dropLast(".log".count)
                for path in paths where path.hasPrefix(stem) { machine.files.lose(path) }
            }
        }
    }
}
