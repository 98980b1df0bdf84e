import Primitives
import WireMessages
package import WireProtocol

/// Shows records of `__consumer_offsets`, `__transaction_state` or `__share_group_state`.
package struct CoordinatorDecoder: RecordDecoder {
    private let log: CoordinatorRecord.Log

    package init(_ log: CoordinatorRecord.Log) { self.log = log }

    package func texts(of record: Record) -> RecordTexts {
        do throws(CoordinatorRecord.Failure) {
            let taken = try CoordinatorRecord(key: record.key, value: record.value, in: log)
            let key: JSONValue = ["type": .text("\(taken.type)"), "data": JSONValue(taken.key)]
            guard let value = taken.value else { return RecordTexts(key: key.description, payload: "<DELETE>") }
            let isGroup = log == .groups && taken.type == CoordinatorDecoder.groupMetadataType
            let fields = isGroup ? CoordinatorDecoder.withMembersRead(value.fields) : value.fields
            let payload: JSONValue = ["version": .text("\(value.version)"), "data": JSONValue(fields)]
            return RecordTexts(key: key.description, payload: payload.description)
        } catch {
            switch error {
            case .noKey:
                return RecordTexts(
                    key: "Failed to decode message at offset \(record.offset) using the specified decoder (message had "
                        + "a missing key)")
            case .unknownType(let type):
                return RecordTexts(key: "Unknown record type \(type) at offset \(record.offset), skipping.")
            case .unreadable(let reason):
                return RecordTexts(key: "Error at offset \(record.offset), skipping. \(reason)")
            }
        }
    }

    private static let groupMetadataType: Int16 = 2

    /// What members of consumer groups subscribe to and have been given, instead of the bytes that say so.
    private static func withMembersRead(_ fields: [NamedField]) -> [NamedField] {
        guard fields.contains(NamedField(name: "protocolType", value: .text("consumer"))) else { return fields }
        return fields.map { field in
            guard field.name == "members", case .list(let members) = field.value else { return field }
            return NamedField(name: field.name, value: .list(members.map(member)))
        }
    }

    private static func member(_ value: FieldValue) -> FieldValue {
        guard case .structure(let fields) = value else { return value }
        return .structure(
            fields.map { field in
                guard case .bytes(let bytes) = field.value else { return field }
                switch field.name {
                case "subscription": return read(field, bytes, ConsumerProtocolSubscription.self)
                case "assignment": return read(field, bytes, ConsumerProtocolAssignment.self)
                default: return field
                }
            })
    }

    /// The message that begins with its version in a field's bytes; the field as it is where they are none.
    private static func read<Message: WireMessage & NamedFields>(
        _ field: NamedField, _ bytes: Bytes, _ type: Message.Type
    ) -> NamedField {
        guard bytes.count >= 2 else { return field }
        let version = bytes.bigEndian(Int16.self, at: 0)
        guard let message = try? Message.decode(bytes[2..<bytes.count], version: version) else { return field }
        return NamedField(name: field.name, value: .structure(message.namedFields(version: version)))
    }
}
