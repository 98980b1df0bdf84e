import LiveWorld
import Primitives
import World

/// The values that `producer-perf-test` sends.
package struct Payloads: Sendable {
    private enum Source {
        /// Capital letters, so many of them.
        case random(count: Int)
        /// One of these, at random.
        case texts([[UInt8]])
        /// 0, 1, 2, …
        case numbers
    }

    private let source: Source
    private var generator = SeededGenerator(seed: 0)

    private init(_ source: Source) { self.source = source }

    /// Letters at random; the same ones in each run.
    package static func random(count: Int) -> Payloads { Payloads(.random(count: count)) }

    /// The parts of a file between delimiters.
    package static func texts(_ texts: [[UInt8]]) -> Payloads { Payloads(.texts(texts)) }

    /// The number of each record.
    package static var numbers: Payloads { Payloads(.numbers) }

    /// What stands between the delimiters in a file.
    ///
    /// - Errors: a file that is not there, or empty.
    static func read(_ path: String, delimiter: String) throws(ToolFailure) -> [[UInt8]] {
        let content: [UInt8]
        do throws(FileError) { content = try PosixFileStore().readAll(path) } catch {
            throw ToolFailure("File does not exist or empty file provided.")
        }
        guard !content.isEmpty else { throw ToolFailure("File does not exist or empty file provided.") }
        return split(content, at: delimiter == "\\n" ? "\n" : delimiter)
    }

    /// The parts; the last one may lack its delimiter.
    package static func split(_ content: [UInt8], at delimiter: String) -> [[UInt8]] {
        let wanted = Array(delimiter.utf8)
        guard let first = wanted.first else { return [content] }
        var parts: [[UInt8]] = []
        var start = 0
        var position = 0
        while position < content.count {
            if content[position] == first, content[position...].starts(with: wanted) {
                parts.append(Array(content[start..<position]))
                position += wanted.count
                start = position
            } else {
                position += 1
            }
        }
        if start < content.count { parts.append(Array(content[start...])) }
        return parts
    }

    /// Letters that one random number is good for: 26 to the power of 13 is just below 2 to the power of 64.
    private static let lettersOfNumber = 13

    /// The value of the record of this number.
    package mutating func next(_ number: Int64) -> [UInt8] {
        switch source {
        case .numbers: return Array(String(number).utf8)
        case .texts(let texts): return texts[Int(generator.next() % UInt64(texts.count))]
        case .random(let count):
            var value: [UInt8] = []
            value.reserveCapacity(count)
            while value.count < count {
                var bits = generator.next()
                for _ in 0..<min(Self.lettersOfNumber, count - value.count) {
                    value.append(UInt8(ascii: "A") + UInt8(truncatingIfNeeded: bits % 26))
                    bits /= 26
                }
            }
            return value
        }
    }
}
