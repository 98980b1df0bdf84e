import Primitives
import WireMessages
import WireProtocol

/// Who has a vote, as a record of the metadata log names it: the machine, and the directory that its log lies in.
struct VoterName: Hashable, Comparable, Sendable, CustomStringConvertible {
    let number: Int
    let directory: DirectoryID

    static func < (left: VoterName, right: VoterName) -> Bool { left.number < right.number }

    var description: String { "\(number)/\(directory)" }
}

/// The records of voters in a log, read from its bytes.
struct VotersOfLog: Hashable, Sendable {
    struct Record: Hashable, Sendable {
        /// The base of its batch.
        let base: Offset
        let voters: [VoterName]
    }

    private(set) var records: [Record] = []

    /// What a batch says of the voters; nil where it says nothing.
    static func voters(in batch: RecordBatch) -> [VoterName]? {
        guard batch.header.attributes.isControl, var records = try? RecordIterator(batch) else { return nil }
        var found: [VoterName]?
        while let record = try? records.next() {
            guard let key = record.key, let value = record.value, (try? ControlRecordType(key: key)) == .kraftVoters,
                let read = try? VotersRecord.decode(value, version: 0)
            else { continue }
            found = read.voters.map { VoterName(number: Int($0.voterID.value), directory: $0.voterDirectoryID) }
        }
        return found?.sorted()
    }

    mutating func append(_ voters: [VoterName], at base: Offset) { records.append(Record(base: base, voters: voters)) }

    /// A snapshot says who voted behind all that it stands for.
    mutating func begin(with voters: [VoterName], below end: Offset) {
        let place = records.firstIndex { $0.base >= end } ?? records.count
        if place > 0, records[place - 1].voters == voters { return }
        records.insert(Record(base: Offset(end.value - 1), voters: voters), at: place)
    }

    mutating func cut(to end: Offset) { while let last = records.last, last.base >= end { records.removeLast() } }

    mutating func removeAll() { records = [] }

    /// The set in force.
    var newest: [VoterName]? { records.last?.voters }

    /// The set before that.
    var former: [VoterName]? { records.dropLast().last?.voters }

    /// The sets that are not known to be committed.
    func uncommitted(from end: Offset) -> ArraySlice<Record> { records.drop { $0.base < end } }
}
