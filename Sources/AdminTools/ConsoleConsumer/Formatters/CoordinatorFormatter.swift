package import MartletClient
import Primitives
import WireMessages

/// Prints the records of coordinators' logs as JSON, one a line; records of other kinds are left out.
package struct CoordinatorFormatter: RecordFormatter {
    /// Which records are shown.
    package enum Kind: Hashable, Sendable {
        /// Committed offsets, of `__consumer_offsets`.
        case offsets
        /// Classic groups with their members, of `__consumer_offsets`.
        case groupMetadata
        /// Transactions, of `__transaction_state`.
        case transactions

        fileprivate var log: CoordinatorRecord.Log { self == .transactions ? .transactions : .groups }

        fileprivate func shows(_ type: Int16) -> Bool {
            switch self {
            case .offsets: type == 0 || type == 1
            case .groupMetadata: type == 2
            case .transactions: type == 0
            }
        }
    }

    private let kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    package func write(_ record: ConsumedRecord, to output: inout [UInt8]) throws(ToolFailure) {
        let taken: CoordinatorRecord
        do throws(CoordinatorRecord.Failure) {
            taken = try CoordinatorRecord(
                key: record.key.map { Bytes($0) }, value: record.value.map { Bytes($0) }, in: kind.log)
        } catch {
            switch error {
            case .noKey, .unknownType: return
            case .unreadable(let reason):
                throw ToolFailure("Could not read record at offset \(record.offset) due to: \(reason)")
            }
        }
        guard kind.shows(taken.type) else { return }
        let value: JSONValue =
            taken.value.map { ["version": .integer(Int64($0.version)), "data": JSONValue($0.fields)] } ?? .null
        let json: JSONValue = [
            "key": ["type": .integer(Int64(taken.type)), "data": JSONValue(taken.key)], "value": value,
        ]
        output += json.description.utf8
        output.append(UInt8(ascii: "\n"))
    }
}
