extension PartitionLog {
    /// Readies a copy of a log to take its place: takes over what the log was told since the copy was taken.
    ///
    /// What is appended to the copy is not seen by those who read the log, which stays as it was until then.
    /// - Parameter flushed: the flushes of the log that ended meanwhile.
    /// - Precondition: nothing was appended to the log, nor was it cut.
    package mutating func rejoin(_ original: borrowing PartitionLog, flushed tickets: [FlushTicket]) {
        precondition(original.ledger.generation == ledger.generation, "a copy of a log that was cut takes its place")
        configuration = original.configuration
        cleanedEndOffset = max(cleanedEndOffset, original.cleanedEndOffset)
        for ticket in tickets { flushed(ticket) }
    }
}
