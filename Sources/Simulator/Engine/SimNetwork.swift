package import Primitives

/// The network of one simulation: decides when, and whether, each message arrives.
///
/// Permitted faults: loss, doubling, any order within the longest delay, stragglers, and cuts of single directions.
package struct SimNetwork: Sendable {
    package var plan: FaultPlan
    private let count: Int
    /// `isCut[from][to]`.
    private var isCut: [[Bool]]

    /// - Parameter count: nodes are numbered from 0.
    package init(count: Int, plan: FaultPlan) {
        self.plan = plan
        self.count = count
        isCut = Array(repeating: Array(repeating: false, count: count), count: count)
    }

    /// The delays after which the copies of a message arrive; empty when it is lost.
    package func arrivals(from: Int, to: Int, using generator: inout SeededGenerator) -> [Int64] {
        if isCut[from][to] || generator.chance(plan.lossPercent, in: 100) { return [] }
        let copies = generator.chance(plan.duplicatePercent, in: 100) ? 2 : 1
        let isLate = plan.stragglersPerMille > 0 && generator.chance(plan.stragglersPerMille, in: 1_000)
        let longest = isLate ? SimNetwork.stragglerMicrosecondsMax : plan.delayMicrosecondsMax
        return (0..<copies).map { _ in 50 + Int64(generator.next() % UInt64(longest)) }
    }

    /// A straggler may find that its sender died and came back, and that leaders changed more than once.
    private static let stragglerMicrosecondsMax: Int64 = 4_000_000

    /// Whether what one node sends can get to another at all.
    package func reaches(from: Int, to: Int) -> Bool { !isCut[from][to] }

    /// Nothing gets from one node to another any more.
    package mutating func cut(from: Int, to: Int) { isCut[from][to] = true }

    /// Separates the nodes of `group` from the others, both ways.
    package mutating func isolate(_ group: [Int]) {
        for from in 0..<count {
            for to in 0..<count where group.contains(from) != group.contains(to) { isCut[from][to] = true }
        }
    }

    /// Everybody reaches everybody again.
    package mutating func heal() { isCut = Array(repeating: Array(repeating: false, count: count), count: count) }
}
