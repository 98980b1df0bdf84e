/// What can be wrong with a history, under the names that Jepsen's Kafka workload gives it.
package enum Anomaly: String, Hashable, Sendable, CaseIterable {
    /// One offset of one key held two values.
    case inconsistentOffsets = "inconsistent-offsets"
    /// One value stands at two offsets.
    case duplicate
    /// A committed write lies below what was read, and was never read itself.
    case lostWrite = "lost-write"
    /// A committed write was not read by the end of the final reading.
    case unseen
    /// Of one transaction a part was read, and another never.
    case tornTransaction = "torn-transaction"
    /// A value was read whose write failed or whose transaction was given up.
    case abortedRead = "G1a"
    /// A value was read that nobody wrote.
    case phantomRead = "phantom-read"
    /// A transaction read what it wrote itself.
    case precommittedRead = "precommitted-read"
    /// Two reads of a key, one after the other in one operation, jump over values.
    case pollSkipInside = "int-poll-skip"
    /// Two reads of a key, one after the other in one operation, go back.
    case nonmonotonicPollInside = "int-nonmonotonic-poll"
    /// The same between two operations of one consumer that kept its partitions.
    case pollSkip = "poll-skip"
    /// The same between two operations of one consumer that kept its partitions.
    case nonmonotonicPoll = "nonmonotonic-poll"
    /// Two writes of one operation stand in the other order.
    case nonmonotonicSendInside = "int-nonmonotonic-send"
    /// Two writes of one producer, in two operations, stand in the other order.
    case nonmonotonicSend = "nonmonotonic-send"
    /// Writes of others stand between those of one operation.
    case sendSkipInside = "int-send-skip"
    /// A cycle of writes that stand behind each other.
    case writeCycle = "G0"
    /// The same, with the order in which one client did things.
    case writeCycleByProcess = "G0-process"
    /// The same, with the order in time.
    case writeCycleByTime = "G0-realtime"
    /// A cycle of operations that read what the one before wrote.
    case informationCycle = "G1c"
    /// The same, with the order in which one client did things.
    case informationCycleByProcess = "G1c-process"
    /// The same, with the order in time.
    case informationCycleByTime = "G1c-realtime"

    /// Whether Kafka's model allows it always: its transactions do not keep other writers away.
    package var isAlwaysAllowed: Bool {
        switch self {
        case .sendSkipInside, .writeCycle, .writeCycleByProcess, .writeCycleByTime: true
        default: false
        }
    }
}
