package import Primitives

/// Which faults one run has and how hard, drawn from its seed: each seed tries another mixture.
package struct FaultPlan: Hashable, Sendable {
    /// Messages of a hundred that are lost.
    package var lossPercent: UInt64
    /// Messages of a hundred that arrive twice.
    package var duplicatePercent: UInt64
    /// The longest way of a message; each takes a random part of it, so they overtake each other.
    package var delayMicrosecondsMax: Int64
    /// Messages of a thousand that arrive when their answer has long been given up, as bytes of an old connection do.
    package var stragglersPerMille: UInt64 = 0
    /// The longest time that a flush takes.
    package var flushMicrosecondsMax: Int64
    /// The mean time between two faults.
    package var faultIntervalMicroseconds: Int64
    package var crashes: Bool
    /// A crash takes what was not flushed with it.
    package var losesPower: Bool
    package var pauses: Bool
    package var partitions: Bool
    package var oneWayCuts: Bool
    package var wipes: Bool
    package var handovers: Bool

    /// No fault at all, and a fast network.
    package static let calm = FaultPlan(
        lossPercent: 0, duplicatePercent: 0, delayMicrosecondsMax: 1_000, flushMicrosecondsMax: 1_000,
        faultIntervalMicroseconds: .max, crashes: false, losesPower: false, pauses: false, partitions: false,
        oneWayCuts: false, wipes: false, handovers: false)

    package init(drawnFrom generator: inout SeededGenerator) {
        lossPercent = generator.chance(1, in: 2) ? 0 : generator.next() % 20
        duplicatePercent = generator.chance(1, in: 2) ? 0 : generator.next() % 20
        delayMicrosecondsMax = [300, 2_000, 20_000, 150_000][Int(generator.next() % 4)]
        flushMicrosecondsMax = [200, 3_000, 50_000][Int(generator.next() % 3)]
        faultIntervalMicroseconds = [100_000, 400_000, 1_500_000][Int(generator.next() % 3)]
        crashes = generator.chance(3, in: 4)
        losesPower = generator.chance(1, in: 2)
        pauses = generator.chance(1, in: 2)
        partitions = generator.chance(1, in: 2)
        oneWayCuts = generator.chance(1, in: 3)
        wipes = generator.chance(1, in: 3)
        handovers = generator.chance(1, in: 2)
        stragglersPerMille = [0, 2, 20][Int(generator.next() % 3)]
    }

    private init(
        lossPercent: UInt64, duplicatePercent: UInt64, delayMicrosecondsMax: Int64, flushMicrosecondsMax: Int64,
        faultIntervalMicroseconds: Int64, crashes: Bool, losesPower: Bool, pauses: Bool, partitions: Bool,
        oneWayCuts: Bool, wipes: Bool, handovers: Bool
    ) {
        self.lossPercent = lossPercent
        self.duplicatePercent = duplicatePercent
        self.delayMicrosecondsMax = delayMicrosecondsMax
        self.flushMicrosecondsMax = flushMicrosecondsMax
        self.faultIntervalMicroseconds = faultIntervalMicroseconds
        self.crashes = crashes
        self.losesPower = losesPower
        self.pauses = pauses
        self.partitions = partitions
        self.oneWayCuts = oneWayCuts
        self.wipes = wipes
        self.handovers = handovers
    }
}
