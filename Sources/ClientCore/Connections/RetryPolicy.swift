/// When to try again: waits that double up to a greatest one, shifted at random, until a deadline.
package struct RetryPolicy: Hashable, Sendable {
    /// The first wait.
    package let backoffMilliseconds: Int64
    package let backoffMillisecondsMax: Int64
    /// Parts in a hundred by which a wait is made longer or shorter, so that clients do not come in step.
    private static let jitterPercent: UInt64 = 20

    package init(backoffMilliseconds: Int64 = 50, backoffMillisecondsMax: Int64 = 1_000) {
        precondition(backoffMilliseconds > 0 && backoffMilliseconds <= backoffMillisecondsMax, "waits in order")
        self.backoffMilliseconds = backoffMilliseconds
        self.backoffMillisecondsMax = backoffMillisecondsMax
    }

    /// The wait after the failed attempt number `attempt`, counted from 0.
    package func wait(after attempt: Int, using generator: inout some RandomNumberGenerator) -> Int64 {
        let doublings = min(max(attempt, 0), 30)
        let full = min(backoffMilliseconds << Int64(doublings), backoffMillisecondsMax)
        let percent = 100 - RetryPolicy.jitterPercent + generator.next() % (2 * RetryPolicy.jitterPercent + 1)
        return max(1, full * Int64(percent) / 100)
    }
}
