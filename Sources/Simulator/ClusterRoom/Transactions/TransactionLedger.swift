import ClientCore
import Histories
import Metadata
import Primitives

/// All transactions of a run, what their producers were told of them, and what readers of what is committed saw: for
/// the judge of histories, and for the reading back.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class TransactionLedger: @unchecked Sendable {
    /// One record that a transaction writes.
    struct Write {
        let place: TopicPartition
        let value: Int64
        /// Where it was said to stand.
        var offset: Offset?
        /// What a partition is that was made again under its name.
        var topic: TopicID?
    }

    enum Fate: Hashable {
        case open
        case committed
        case aborted
        /// The producer was told neither.
        case unknown
    }

    struct Entry {
        let process: Int
        /// What it processes, and in whose name.
        let input: TransactionInput.Part?
        let group: String?
        var writes: [Write]
        var fate = Fate.open
    }

    private(set) var entries: [Entry] = []
    private var builder = HistoryBuilder()
    private let time: VirtualTime
    private var refusal: String?

    init(_ time: VirtualTime) { self.time = time }

    private func add(
        _ process: Int, _ phase: HistoryEvent.Phase, _ kind: HistoryEvent.Kind, _ items: [HistoryEvent.Item] = []
    ) {
        let event = HistoryEvent(
            timeMicroseconds: time.now.value / 1_000, process: Int32(process), phase, kind, items)
        do throws(HistoryError) { try builder.add(event) } catch { refusal = refusal ?? "\(error)" }
    }

    private static func key(_ place: TopicPartition) -> String { "\(place.topic)-\(place.partition)" }

    // MARK: values

    /// The bytes of a record: other readers of values do not take it for theirs.
    static func bytes(of value: Int64) -> [UInt8] { Array("t\(value >> 32)/\(value & 0xffff_ffff)".utf8) }

    /// Reads what `bytes` made, whatever is behind it.
    static func value(in bytes: [UInt8]) -> Int64? {
        guard bytes.first == UInt8(ascii: "t") else { return nil }
        return ClientHistory.value(in: Array(bytes.dropFirst()))
    }

    // MARK: transactions

    /// A producer begins a transaction with these writes, each with a value of its own; gives its number.
    func begin(
        _ process: Int, _ writes: [(place: TopicPartition, value: Int64)], processing input: TransactionInput.Part?,
        group: String?
    ) -> Int {
        entries.append(
            Entry(
                process: process, input: input, group: group,
                writes: writes.map { Write(place: $0.place, value: $0.value) }))
        add(
            process, .invoke, .txn,
            writes.map { .write(key: TransactionLedger.key($0.place), value: $0.value, .asOperation) })
        return entries.count - 1
    }

    /// A record of a transaction is in the log.
    func wrote(_ number: Int, _ index: Int, at offset: Offset?, in topic: TopicID?) {
        entries[number].writes[index].offset = offset
        entries[number].writes[index].topic = topic
    }

    func ended(_ number: Int, _ fate: Fate) {
        precondition(entries[number].fate == .open, "a transaction ends once")
        entries[number].fate = fate
        let process = entries[number].process
        switch fate {
        case .committed:
            add(
                process, .ok, .txn,
                entries[number].writes.map { write in
                    let told = write.offset.map { HistoryEvent.Fate.acknowledged(at: $0) } ?? .asOperation
                    return .write(key: TransactionLedger.key(write.place), value: write.value, told)
                } + (entries[number].input.map { reads($0.records, of: $0.place) } ?? []))
        case .aborted: add(process, .fail, .txn)
        case .unknown, .open: add(process, .unknown, .txn)
        }
    }

    /// How many were told to be committed, and how many to be aborted.
    var counts: (committed: Int, aborted: Int, unknown: Int) {
        (
            entries.count { $0.fate == .committed }, entries.count { $0.fate == .aborted },
            entries.count { $0.fate == .unknown || $0.fate == .open }
        )
    }

    // MARK: reading

    func reads(_ places: [TopicPartition], by client: Int) {
        add(client, .ok, .assign, places.map { .key(TransactionLedger.key($0)) })
    }

    /// A reader of what is committed was given records of one partition.
    func read(_ records: [(offset: Offset, value: [UInt8])], of place: TopicPartition, by client: Int) {
        let items = reads(records, of: place)
        guard !items.isEmpty else { return }
        add(client, .invoke, .poll)
        add(client, .ok, .poll, items)
    }

    /// Those of transactions.
    private func reads(
        _ records: [(offset: Offset, value: [UInt8])], of place: TopicPartition
    ) -> [HistoryEvent.Item] {
        records.compactMap { record in
            TransactionLedger.value(in: record.value).map {
                .read(key: TransactionLedger.key(place), value: $0, at: record.offset)
            }
        }
    }

    func drained(_ places: [TopicPartition], by client: Int) {
        add(client, .ok, .drain, places.map { .key(TransactionLedger.key($0)) })
    }

    // MARK: judging

    /// What no log that keeps its promises could have answered; nil for nothing.
    func anomaly() -> String? { ClientHistory.anomaly(of: builder, refusal, "history of transactions") }

    /// What is wrong with what is there at the end; nil for nothing.
    ///
    /// - Parameter found: the values that a reader of what is committed found, by partition.
    func torn(_ found: [TopicPartition: Set<Int64>]) -> String? {
        for entry in entries {
            let there = count(entry, found)
            let all = entry.writes.count
            let values = entry.writes.map { "\($0.place.partition):\($0.value & 0xffff_ffff)" }
            let words = "transaction \(values) of client \(entry.process)"
            switch entry.fate {
            case .committed where there < all:
                return "P4: \(words) was committed, and \(there) of its \(all) records are there"
            case .aborted where there > 0:
                return "P4: \(words) was aborted, and \(there) of its \(all) records are there"
            case .unknown where there > 0 && there < all:
                return "P4: \(words) is torn: \(there) of its \(all) records are there"
            default: continue
            }
        }
        return nil
    }

    private func count(_ entry: Entry, _ found: [TopicPartition: Set<Int64>]) -> Int {
        entry.writes.count { found[$0.place]?.contains($0.value) ?? false }
    }

    /// Exactly once: what a group's committed transactions have processed follows one another without a gap and without
    /// a repetition. What is wrong with that; nil for nothing.
    func misprocessed(_ found: [TopicPartition: Set<Int64>]) -> String? {
        var ends: [String: Offset] = [:]
        let processed = entries.compactMap { entry in
            count(entry, found) > 0 ? entry.input.map { (input: $0, group: entry.group ?? "") } : nil
        }
        for (input, group) in processed.sorted(by: { $0.input.range.lowerBound < $1.input.range.lowerBound }) {
            let due = ends[group] ?? .zero
            if input.range.lowerBound != due {
                return "P4: group \(group) has processed \(input.range) of \(input.place), where \(due) was due"
            }
            ends[group] = input.range.upperBound
        }
        return nil
    }
}
