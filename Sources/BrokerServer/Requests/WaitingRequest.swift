/// A request that waits for something to happen, and can be answered before that.
protocol WaitingRequest: AnyObject, Sendable {
    /// Answers at once: another request came behind it, which can't be answered before it. On its connection's loop.
    func hasten()
}
