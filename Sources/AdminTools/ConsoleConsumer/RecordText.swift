package import MartletClient

/// How the console consumer prints a record: Kafka's default formatter.
package struct RecordText: Hashable, Sendable, RecordFormatter {
    package var showsTimestamp = false
    package var showsPartition = false
    package var showsOffset = false
    package var showsDelivery = false
    package var showsEpoch = false
    package var showsHeaders = false
    package var showsKey = false
    package var showsValue = true
    package var keySeparator = "\t"
    package var lineSeparator = "\n"
    package var headersSeparator = ","
    package var nullLiteral = "null"
    private var keyReader = ValueReader.bytes
    private var valueReader = ValueReader.bytes
    private var headersReader = ValueReader.bytes

    package init() {}

    /// Reads the formatter properties; those that it does not know are left to others.
    ///
    /// - Errors: one that is not true or false where it has to be; a deserializer that is not built in.
    package init(_ properties: ClientProperties) throws(ToolFailure) {
        for (key, value) in properties.values.sorted(by: { $0.key < $1.key }) {
            switch key {
            case "print.timestamp": showsTimestamp = try properties.boolean(key) ?? false
            case "print.partition": showsPartition = try properties.boolean(key) ?? false
            case "print.offset": showsOffset = try properties.boolean(key) ?? false
            case "print.delivery": showsDelivery = try properties.boolean(key) ?? false
            case "print.epoch": showsEpoch = try properties.boolean(key) ?? false
            case "print.headers": showsHeaders = try properties.boolean(key) ?? false
            case "print.key": showsKey = try properties.boolean(key) ?? false
            case "print.value": showsValue = try properties.boolean(key) ?? true
            case "key.separator": keySeparator = value
            case "line.separator": lineSeparator = value
            case "headers.separator": headersSeparator = value
            case "null.literal": nullLiteral = value
            case "key.deserializer": keyReader = try ValueReader(className: value)
            case "value.deserializer": valueReader = try ValueReader(className: value)
            case "headers.deserializer": headersReader = try ValueReader(className: value)
            default: break
            }
        }
    }

    package func write(_ record: ConsumedRecord, to output: inout [UInt8]) throws(ToolFailure) {
        var isFirst = true
        let separator = keySeparator.utf8
        func begin(_ output: inout [UInt8]) {
            if !isFirst { output += separator }
            isFirst = false
        }
        for part in beginning(record) {
            begin(&output)
            output += part.utf8
        }
        if showsHeaders {
            begin(&output)
            try writeHeaders(record, to: &output)
        }
        if showsKey {
            begin(&output)
            try write(record.key, as: keyReader, to: &output)
        }
        if showsValue {
            begin(&output)
            try write(record.value, as: valueReader, to: &output)
        }
        if !isFirst { output += lineSeparator.utf8 }
    }

    private func beginning(_ record: ConsumedRecord) -> [String] {
        var parts: [String] = []
        if showsTimestamp { parts.append(RecordText.timestamp(record)) }
        if showsPartition { parts.append("Partition:\(record.partition)") }
        if showsOffset { parts.append("Offset:\(record.offset)") }
        if showsDelivery { parts.append("Delivery:NOT_PRESENT") }
        if showsEpoch { parts.append("Epoch:\(record.leaderEpoch.map(String.init) ?? "NOT_PRESENT")") }
        return parts
    }

    static func timestamp(_ record: ConsumedRecord) -> String {
        guard let time = record.timestampMilliseconds else { return "NO_TIMESTAMP" }
        return record.timestampKind == .logAppendTime ? "LogAppendTime:\(time)" : "CreateTime:\(time)"
    }

    private func write(_ bytes: [UInt8]?, as reader: ValueReader, to output: inout [UInt8]) throws(ToolFailure) {
        guard let bytes else {
            output += nullLiteral.utf8
            return
        }
        try reader.write(bytes, to: &output)
    }

    private func writeHeaders(_ record: ConsumedRecord, to output: inout [UInt8]) throws(ToolFailure) {
        let headers = record.headers
        if headers.isEmpty {
            output += "NO_HEADERS".utf8
            return
        }
        for (index, header) in headers.enumerated() {
            if index > 0 { output += headersSeparator.utf8 }
            output += (header.key + ":").utf8
            try write(header.value, as: headersReader, to: &output)
        }
    }
}
