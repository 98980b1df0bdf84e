/// What a simulation found, with the number that replays it.
package struct SimulationFailure: Error, Hashable, CustomStringConvertible {
    package let seed: UInt64
    /// Events before the failure.
    package let step: Int
    /// The virtual time of the failure, in microseconds from the start.
    package let atMicroseconds: Int64
    /// The invariant and how it is violated.
    package let reason: String
    /// What else `martlet-sim` has to be told to replay it, with a space behind.
    package let option: String

    package init(seed: UInt64, step: Int, atMicroseconds: Int64, reason: String, option: String = "") {
        self.seed = seed
        self.step = step
        self.atMicroseconds = atMicroseconds
        self.reason = reason
        self.option = option
    }

    package var description: String {
        "seed \(seed), event \(step), \(atMicroseconds) µs: \(reason); replay: martlet-sim \(option)--seed \(seed)"
    }
}
