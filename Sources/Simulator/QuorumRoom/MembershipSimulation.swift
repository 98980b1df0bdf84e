import Primitives

/// The quorum's room with voters that come and go.
package struct MembershipSimulation: SeededSimulation {
    package private(set) var quorum: QuorumSimulation

    package init(seed: UInt64, isTraced: Bool) {
        quorum = QuorumSimulation(seed: seed, isTraced: isTraced, isDynamic: true)
    }

    package mutating func run() throws(SimulationFailure) { try quorum.run() }

    package var steps: Int { quorum.steps }
    package var trace: [String] { quorum.trace }
    package var fingerprint: UInt64 { quorum.fingerprint }
}
