/// How far one change may move a number of threads: from half of it to twice as many, as in Kafka.
package struct ThreadCountRule: Sendable {
    /// The numbers that it holds for.
    static let keys = ["num.io.threads", "num.network.threads", "num.replica.fetchers"]

    /// Holds for nothing: a node without brokers' threads.
    static let none = ThreadCountRule { _, _ in nil }

    private let present: @Sendable (_ key: String, _ isForOneBroker: Bool) -> Int64?

    /// - Parameter present: how many there are now; nil where a change, for one broker or for all, would not act here.
    package init(present: @escaping @Sendable (_ key: String, _ isForOneBroker: Bool) -> Int64?) {
        self.present = present
    }

    /// What is wrong with a new number, in Kafka's words; nil where nothing is, or where it is no number.
    func complaint(about key: String, _ value: String, isForOneBroker: Bool) -> String? {
        guard ThreadCountRule.keys.contains(key), let next = Int64(value), next > 0,
            let now = present(key, isForOneBroker)
        else { return nil }
        let failed = "Dynamic thread count update validation failed for \(key)=\(value)"
        if next < now / 2 { return "\(failed), value should be at least half the current value \(now)" }
        if next > 2 * now { return "\(failed), value should not be greater than double the current value \(now)" }
        return nil
    }
}
