/// A room of the simulator: everything that happens in it follows from one seed.
package protocol SeededSimulation {
    init(seed: UInt64, isTraced: Bool)
    /// Runs the whole plan.
    ///
    /// - Throws: the first violation, or that there was no progress after the faults.
    mutating func run() throws(SimulationFailure)
    /// Events so far.
    var steps: Int { get }
    /// One line for each change of state, where the run is traced.
    var trace: [String] { get }
    /// A number over all that happened: equal runs have equal ones.
    var fingerprint: UInt64 { get }
}

extension QuorumSimulation: SeededSimulation {}
extension ReplicationSimulation: SeededSimulation {}
