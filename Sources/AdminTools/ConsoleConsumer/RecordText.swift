package import MartletClient

/// How the console consumer prints a record: Kafka's default formatter.
package struct RecordText: Hashable, Sendable {
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

    package init() {}

    /// Reads the formatter properties; those of deserializers are accepted, as all is printed as it is.
    ///
    /// - Errors: a property that is not known, or not true or false where it has to be.
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
            case _ where key.contains("deserializer"): break
            default: throw ToolFailure("Unknown formatter property \(key)")
            }
        }
    }

    /// The bytes of one record.
    package func bytes(of record: ConsumedRecord) -> [UInt8] {
        var parts: [[UInt8]] = []
        if showsTimestamp { parts.append(Array(RecordText.timestamp(record).utf8)) }
        if showsPartition { parts.append(Array("Partition:\(record.partition)".utf8)) }
        if showsOffset { parts.append(Array("Offset:\(record.offset)".utf8)) }
        if showsDelivery { parts.append(Array("Delivery:NOT_PRESENT".utf8)) }
        if showsEpoch { parts.append(Array("Epoch:\(record.leaderEpoch.map(String.init) ?? "NOT_PRESENT")".utf8)) }
        if showsHeaders { parts.append(headers(record)) }
        if showsKey { parts.append(record.key ?? Array(nullLiteral.utf8)) }
        if showsValue { parts.append(record.value ?? Array(nullLiteral.utf8)) }
        return Array(parts.joined(separator: Array(keySeparator.utf8))) + Array(lineSeparator.utf8)
    }

    private static func timestamp(_ record: ConsumedRecord) -> String {
        guard let time = record.timestampMilliseconds else { return "NO_TIMESTAMP" }
        return record.timestampKind == .logAppendTime ? "LogAppendTime:\(time)" : "CreateTime:\(time)"
    }

    private func headers(_ record: ConsumedRecord) -> [UInt8] {
        if record.headers.isEmpty { return Array("NO_HEADERS".utf8) }
        let entries = record.headers.map { Array(($0.key + ":").utf8) + ($0.value ?? Array(nullLiteral.utf8)) }
        return Array(entries.joined(separator: Array(headersSeparator.utf8)))
    }
}
