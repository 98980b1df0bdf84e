import Primitives

/// What keeps guesses from doing harm (R6): how many may be fenced by a guess, and how soon who was suspected leads
/// again. Proofs pass by it.
struct DetectionBrakes: Sendable {
    private struct Record {
        /// How often it was suspected, without a long quiet time between.
        var count = 0
        var lastAt: MonotonicInstant
        /// When it was let in again, or lost its leaderships without being fenced; nil while it is fenced.
        var returnedAt: MonotonicInstant?
    }

    /// After as long without suspicion a broker is as good as new.
    private static let forgivenMilliseconds: Int64 = 600_000
    /// The hold-down is doubled at most as often.
    private static let doublingsMax = 6

    private var fences: [MonotonicInstant] = []
    private var records: [BrokerID: Record] = [:]

    /// Whether one of `unfenced` brokers, of all that are `registered`, may be fenced by a guess.
    func allowsFence(
        unfenced: Int, registered: Int, _ settings: DetectionSettings, now: MonotonicInstant
    ) -> Bool {
        let recent = fences.count { now.milliseconds(since: $0) < settings.fencesWindowMilliseconds }
        return recent < settings.fencesMax && 2 * (unfenced - 1) > registered
    }

    /// A broker was fenced by a guess.
    mutating func fenced(_ broker: BrokerID, isSilenceRule: Bool, _ settings: DetectionSettings, now: MonotonicInstant)
    {
        if isSilenceRule {
            fences.removeAll { now.milliseconds(since: $0) >= settings.fencesWindowMilliseconds }
            fences.append(now)
        }
        suspected(broker, returnedAt: nil, now: now)
    }

    /// A broker lost its leaderships, and stays.
    mutating func relieved(_ broker: BrokerID, now: MonotonicInstant) {
        suspected(broker, returnedAt: now, now: now)
    }

    /// A broker was let in.
    mutating func returned(_ broker: BrokerID, now: MonotonicInstant) {
        guard records[broker] != nil, records[broker]?.returnedAt == nil else { return }
        records[broker]?.returnedAt = now
    }

    /// Who shall not lead what another can lead.
    func heldDown(_ settings: DetectionSettings, now: MonotonicInstant) -> Set<BrokerID> {
        var held: Set<BrokerID> = []
        for (broker, record) in records {
            guard let returnedAt = record.returnedAt else { continue }
            let time = settings.holdDownMilliseconds << Int64(min(record.count - 1, DetectionBrakes.doublingsMax))
            if now.milliseconds(since: returnedAt) < time { held.insert(broker) }
        }
        return held
    }

    /// The broker is not registered any more.
    mutating func forget(_ broker: BrokerID) { records[broker] = nil }

    private mutating func suspected(_ broker: BrokerID, returnedAt: MonotonicInstant?, now: MonotonicInstant) {
        var record = records[broker] ?? Record(lastAt: now)
        if now.milliseconds(since: record.lastAt) >= DetectionBrakes.forgivenMilliseconds { record.count = 0 }
        record.count += 1
        record.lastAt = now
        record.returnedAt = returnedAt
        records[broker] = record
    }
}
