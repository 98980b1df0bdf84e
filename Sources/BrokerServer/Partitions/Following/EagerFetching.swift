/// Whether a fetcher asks on while flushes run that it owes: only where that mostly brings records.
///
/// A fetch that brings nothing costs a request for each flush. After one, the next few chances are passed over: one,
/// then twice as many each time.
struct EagerFetching {
    static let passedMax = 64

    private var toPass = 0
    private var passed = 0

    /// Whether to take this chance.
    mutating func takesChance() -> Bool {
        guard passed < toPass else { return true }
        passed += 1
        return false
    }

    /// What a chance that was taken has brought.
    mutating func ended(broughtRecords: Bool) {
        passed = 0
        toPass = broughtRecords ? 0 : min(max(2 * toPass, 1), EagerFetching.passedMax)
    }
}
