package import MartletClient

/// How the console consumer prints a record.
package protocol RecordFormatter: Sendable {
    /// Adds the record's text to the output.
    ///
    /// - Errors: a record that can't be shown so.
    func write(_ record: ConsumedRecord, to output: inout [UInt8]) throws(ToolFailure)
}

/// Prints nothing: records are only counted.
package struct NoFormatter: RecordFormatter {
    package init() {}

    package func write(_ record: ConsumedRecord, to output: inout [UInt8]) {}
}

/// Prints as `RecordText` does, and a line about each record on standard error.
package struct LoggingFormatter: RecordFormatter {
    private let text: RecordText

    package init(_ text: RecordText) { self.text = text }

    package func write(_ record: ConsumedRecord, to output: inout [UInt8]) throws(ToolFailure) {
        try text.write(record, to: &output)
        Console.complain(LoggingFormatter.line(of: record))
    }

    /// What the log says of a record.
    package static func line(of record: ConsumedRecord) -> String {
        let timestamp = record.timestampMilliseconds == nil ? "" : RecordText.timestamp(record) + ", "
        let key = record.key.map { "\(String(decoding: $0, as: UTF8.self)), " } ?? "null "
        let value = record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null"
        return "INFO \(timestamp)key:\(key)value:\(value)"
    }
}
