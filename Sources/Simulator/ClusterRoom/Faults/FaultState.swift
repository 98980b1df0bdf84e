import Primitives

/// What the faults of a run remember.
struct FaultState {
    /// Machines whose disk fails: their processes may end themselves.
    var brokenDisks: Set<Int> = []
    /// The lives in which disks worked again: a process may find out later that a write of it failed.
    var repairedLives: [Int: UInt64] = [:]
    /// Who of those with a failing disk said something last, and in which event.
    var spoke: (node: Int, event: Int)?
    /// The machine whose data was lost beyond what flushing protects from; nil once it has caught up.
    var lossy: Int?
    /// Logs were cut, or are about to be, and not all have everything again.
    var isCutting = false
    /// When they are cut.
    var cutAt = MonotonicInstant(0)
    /// Until then a broker that an operator strikes off the list may come back, in doubt as after a crash.
    var unregisteringUntil = MonotonicInstant(0)
    /// The power goes when more often than this something became committed; nil where it does not wait for that.
    var strikesBehind: Int?
    /// Until then nothing else goes wrong, so that a disk may lose something.
    var quietUntil = MonotonicInstant(0)
    /// Old copies of the partitions' directories.
    var copies: [Int: VirtualFiles.Copy] = [:]
    /// The life in which it lost it.
    var lossyLife: UInt64 = 0
    /// What the operator of the quorum wants and waits for; nil where the voters are static.
    var voters: VoterOperator?
    /// Grows when all is healed: what a fault meant to do later is void.
    var generation = 0

    func mayFail(_ machine: SimulatedMachine) -> Bool {
        brokenDisks.contains(machine.number) || repairedLives[machine.number] == machine.lives
    }
}
