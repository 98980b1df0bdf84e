/// The regular expression over whole topic names that `--topic` is for describe, alter and delete; alternatives may
/// also be divided by commas.
package struct TopicPattern: Sendable {
    private let text: String

    package init(_ given: String) throws(ToolFailure) {
        let quotes: Set<Character> = ["\"", "'"]
        let bare = given.filter { $0 != " " }.drop { quotes.contains($0) }.reversed().drop { quotes.contains($0) }
        text = bare.reversed().map { $0 == "," ? "|" : String($0) }.joined()
        guard !isPlain else { return }
        do { _ = try Regex(text) } catch { throw ToolFailure("\(given) is not a regular expression: \(error)") }
    }

    /// True where the pattern has no other way to match than by its letters.
    private var isPlain: Bool { text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" } }

    /// The names that match, in their order.
    package func matching(_ names: [String]) -> [String] {
        if isPlain { return names.filter { $0 == text } }
        guard let pattern = try? Regex(text) else { return [] }
        return names.filter { $0.wholeMatch(of: pattern) != nil }
    }
}
