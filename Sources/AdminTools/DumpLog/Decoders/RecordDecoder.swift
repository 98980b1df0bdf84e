import Primitives
package import WireProtocol

/// How `dump-log` shows keys and values of records.
package protocol RecordDecoder: Sendable {
    /// The texts of a record's key and value; nil where nothing is shown.
    func texts(of record: Record) -> RecordTexts
}

/// A record's key and value as they are shown.
package struct RecordTexts: Hashable, Sendable {
    package var key: String?
    package var payload: String?

    package init(key: String? = nil, payload: String? = nil) {
        self.key = key
        self.payload = payload
    }
}

/// Shows keys and values by the classes that `--key-decoder-class` and `--value-decoder-class` name.
package struct PlainDecoder: RecordDecoder {
    private let key: ValueReader
    private let value: ValueReader

    /// - Errors: a class that is not built in.
    package init(keyClass: String? = nil, valueClass: String? = nil) throws(ToolFailure) {
        key = try PlainDecoder.reader(keyClass)
        value = try PlainDecoder.reader(valueClass)
    }

    private static func reader(_ className: String?) throws(ToolFailure) -> ValueReader {
        guard let className else { return .bytes }
        switch className.split(separator: ".").last {
        case "StringDecoder", "DefaultDecoder": return .bytes
        case "IntegerDecoder": return .integer(bytes: 4)
        case "LongDecoder": return .integer(bytes: 8)
        default: throw ToolFailure("Failed to load decoder class: \(className) is not built in")
        }
    }

    package func texts(of record: Record) -> RecordTexts {
        RecordTexts(
            key: record.key.map { PlainDecoder.text($0.array, key) },
            payload: record.value.map { PlainDecoder.text($0.array, value) })
    }

    private static func text(_ bytes: [UInt8], _ reader: ValueReader) -> String {
        var output: [UInt8] = []
        do throws(ToolFailure) { try reader.write(bytes, to: &output) } catch { return "<\(error)>" }
        return String(decoding: output, as: UTF8.self)
    }
}

/// Shows records of the cluster metadata log.
package struct MetadataDecoder: RecordDecoder {
    package init() {}

    package func texts(of record: Record) -> RecordTexts {
        guard let value = record.value else {
            return RecordTexts(payload: "Error at \(record.offset), skipping. There is no value.")
        }
        do throws(WireError) {
            switch try MetadataRecordJSON.json(value) {
            case .success(let json): return RecordTexts(payload: json.description)
            case .failure(let refusal):
                return RecordTexts(payload: "Error at \(record.offset), skipping. \(refusal)")
            }
        } catch { return RecordTexts(payload: "Error at \(record.offset), skipping. \(error)") }
    }
}
