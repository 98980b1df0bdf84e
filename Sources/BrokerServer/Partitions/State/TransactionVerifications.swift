import LogStorage
import Primitives

/// What a batch of a transaction rests on: its producer's own word, and its coordinator's.
struct TransactionClaim: Hashable, Sendable {
    let producer: ProducerID
    let epoch: ProducerEpoch
    /// Of the batch's first record.
    let sequence: Int32
    /// What the coordinator was asked under; nil where the transaction was open here already.
    let verification: UInt64?
}

/// What is to be done before a batch of a transaction may be appended.
enum TransactionAdmission: Hashable, Sendable {
    /// Nothing: its transaction is open here.
    case open
    /// Nothing more: the coordinator was asked under this number.
    case verified(UInt64)
    /// The coordinator is to be asked, under this number.
    case toVerify(UInt64)
}

/// The producers whose coordinators were asked before the first batch of a transaction is appended (KIP-890, rule 30):
/// begun before the question leaves, ended by a marker, so that an answer from before the marker admits nothing.
struct TransactionVerifications {
    private struct Entry {
        let number: UInt64
        let epoch: ProducerEpoch
        let leaderEpoch: LeaderEpoch
        /// The first batch of the transaction that came: none behind it goes first (KAFKA-14920).
        var lowestSequence: Int32
        var isVerified = false
    }

    /// Beyond these all begin anew.
    static let countMax = 10_000

    private var entries: [ProducerID: Entry] = [:]
    private var lastNumber: UInt64 = 0

    /// What is known of a producer's transaction, or a new question.
    mutating func begin(
        _ producer: ProducerID, _ epoch: ProducerEpoch, sequence: Int32, in leaderEpoch: LeaderEpoch
    ) -> TransactionAdmission {
        if let known = entries[producer], known.epoch == epoch, known.leaderEpoch == leaderEpoch {
            entries[producer]?.lowestSequence = min(known.lowestSequence, sequence)
            return known.isVerified ? .verified(known.number) : .toVerify(known.number)
        }
        if entries.count >= TransactionVerifications.countMax { entries = [:] }
        lastNumber += 1
        entries[producer] = Entry(number: lastNumber, epoch: epoch, leaderEpoch: leaderEpoch, lowestSequence: sequence)
        return .toVerify(lastNumber)
    }

    /// The coordinator has agreed.
    mutating func verified(_ producer: ProducerID, _ number: UInt64) {
        if entries[producer]?.number == number { entries[producer]?.isVerified = true }
    }

    /// A producer's transaction ends here. Where each has an epoch of its own, the marker has the epoch of the next
    /// one, about which the coordinator may have been asked already.
    mutating func end(_ marker: EndMarker) {
        guard let known = entries[marker.producerID] else { return }
        let isOfNext = marker.hasOwnEpoch && known.epoch >= marker.producerEpoch
        if !isOfNext { entries[marker.producerID] = nil }
    }

    /// Why the first batch of a transaction may not be appended; nil where it may.
    ///
    /// - Parameter isKnown: whether the log knows what the producer sent before: then it judges the order itself.
    func refusal(of claim: TransactionClaim, in leaderEpoch: LeaderEpoch?, isKnown: Bool) -> ErrorCode? {
        guard let known = entries[claim.producer], known.isVerified, known.number == claim.verification,
            known.epoch == claim.epoch, known.leaderEpoch == leaderEpoch
        else { return .invalidTxnState }
        return !isKnown && claim.sequence > known.lowestSequence ? .outOfOrderSequenceNumber : nil
    }
}
