/// How a line of the console producer's input becomes a record.
package struct InputLine: Hashable, Sendable {
    /// Key, value and headers of one line.
    package struct Parts: Hashable, Sendable {
        /// A name and a value beside the record's own.
        package struct Header: Hashable, Sendable {
            package let key: String
            package let value: [UInt8]?
        }

        package var key: [UInt8]?
        package var value: [UInt8]?
        package var headers: [Header] = []
    }

    package var parsesKey = false
    package var keySeparator = "\t"
    package var parsesHeaders = false
    package var headersDelimiter = "\t"
    package var headersSeparator = ","
    package var headersKeySeparator = ":"
    package var ignoresErrors = false
    /// A part that is equal to it is null; empty means none.
    package var nullMarker = ""

    package init() {}

    /// Reads the reader properties.
    ///
    /// - Errors: one that is not true or false where it has to be; separators that can't be told apart.
    package init(_ properties: ClientProperties) throws(ToolFailure) {
        for (key, value) in properties.values.sorted(by: { $0.key < $1.key }) {
            switch key {
            case "parse.key": parsesKey = try properties.boolean(key) ?? false
            case "key.separator": keySeparator = value
            case "parse.headers": parsesHeaders = try properties.boolean(key) ?? false
            case "headers.delimiter": headersDelimiter = value
            case "headers.separator": headersSeparator = value
            case "headers.key.separator": headersKeySeparator = value
            case "ignore.error": ignoresErrors = try properties.boolean(key) ?? false
            case "null.marker": nullMarker = value
            // What other readers may know is no matter of this one.
            default: break
            }
        }
        try checkSeparators()
    }

    private func checkSeparators() throws(ToolFailure) {
        guard !keySeparator.isEmpty, !headersDelimiter.isEmpty, !headersSeparator.isEmpty, !headersKeySeparator.isEmpty
        else { throw ToolFailure("A separator can't be empty") }
        let pairs = [
            ("headers.delimiter", headersDelimiter, "headers.separator", headersSeparator),
            ("headers.delimiter", headersDelimiter, "headers.key.separator", headersKeySeparator),
            ("headers.separator", headersSeparator, "headers.key.separator", headersKeySeparator),
            ("null.marker", nullMarker, "key.separator", keySeparator),
            ("null.marker", nullMarker, "headers.separator", headersSeparator),
            ("null.marker", nullMarker, "headers.delimiter", headersDelimiter),
            ("null.marker", nullMarker, "headers.key.separator", headersKeySeparator),
        ]
        for (first, firstValue, second, secondValue) in pairs where firstValue == secondValue {
            throw ToolFailure("\(first) and \(second) may not be equal")
        }
    }

    /// Divides a line; `number` counts from 1 for the error.
    package func parse(_ line: [UInt8], number: Int) throws(ToolFailure) -> Parts {
        var parts = Parts()
        var rest = line[...]
        if parsesHeaders {
            if let (head, tail) = InputLine.cut(rest, at: headersDelimiter) {
                parts.headers = try headers(head, number: number)
                rest = tail
            } else if !ignoresErrors {
                throw InputLine.failure("No headers delimiter", number, line)
            }
        }
        if parsesKey {
            if let (head, tail) = InputLine.cut(rest, at: keySeparator) {
                parts.key = nullable(head)
                rest = tail
            } else if !ignoresErrors {
                throw InputLine.failure("No key separator", number, line)
            }
        }
        parts.value = nullable(rest)
        return parts
    }

    private func headers(_ text: ArraySlice<UInt8>, number: Int) throws(ToolFailure) -> [Parts.Header] {
        guard !text.isEmpty, nullable(text) != nil else { return [] }
        var headers: [Parts.Header] = []
        var rest: ArraySlice<UInt8>? = text
        while let left = rest {
            let (entry, tail) = InputLine.cut(left, at: headersSeparator).map { ($0.0, Optional($0.1)) } ?? (left, nil)
            rest = tail
            if let (key, value) = InputLine.cut(entry, at: headersKeySeparator) {
                guard nullable(key) != nil else {
                    throw ToolFailure(
                        "Header keys should not be equal to the null marker '\(nullMarker)' as they can't be null")
                }
                headers.append(Parts.Header(key: String(decoding: key, as: UTF8.self), value: nullable(value)))
            } else if ignoresErrors {
                headers.append(Parts.Header(key: String(decoding: entry, as: UTF8.self), value: nil))
            } else {
                let pair = String(decoding: entry, as: UTF8.self)
                throw ToolFailure("No header key separator found in pair '\(pair)' on line number \(number)")
            }
        }
        return headers
    }

    private func nullable(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        !nullMarker.isEmpty && part.elementsEqual(nullMarker.utf8) ? nil : Array(part)
    }

    private static func failure(_ what: String, _ number: Int, _ line: [UInt8]) -> ToolFailure {
        ToolFailure("\(what) found on line number \(number): '\(String(decoding: line, as: UTF8.self))'")
    }

    /// What stands before and behind the first occurrence of a separator.
    private static func cut(
        _ text: ArraySlice<UInt8>, at separator: String
    ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        let wanted = Array(separator.utf8)
        guard text.count >= wanted.count else { return nil }
        for start in text.startIndex...(text.endIndex - wanted.count) where text[start...].starts(with: wanted) {
            return (text[..<start], text[(start + wanted.count)...])
        }
        return nil
    }
}
