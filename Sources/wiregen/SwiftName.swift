/// Small pieces of Swift text.
enum SwiftName {
    private static let keywords: Set<String> = [
        "protocol", "operator", "default", "in", "is", "as", "case", "where", "internal", "public", "private", "repeat",
        "extension", "import", "init", "func", "var", "let", "return", "switch", "static", "self", "throw", "true",
        "false",
    ]

    /// The name, quoted where it is a word of the language.
    static func escaped(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    /// The name of an API among the constants of `APIKey`.
    static func apiKey(_ api: String) -> String {
        var name = api
        if name.hasSuffix("Ids") { name = name.dropLast(3) + "IDs" }
        if name.hasSuffix("Id") { name = name.dropLast(2) + "ID" }
        return name.prefix(1).lowercased() + name.dropFirst()
    }

    /// An expression that is true for the versions of `inner` among those of `outer`; nil where that is all of them.
    static func condition(_ inner: ClosedRange<Int>, in outer: ClosedRange<Int>) -> String? {
        var parts: [String] = []
        if inner.lowerBound > outer.lowerBound { parts.append("version >= \(inner.lowerBound)") }
        if inner.upperBound < outer.upperBound { parts.append("version <= \(inner.upperBound)") }
        return parts.isEmpty ? nil : parts.joined(separator: " && ")
    }

    /// `version 3`, `versions 3 to 7`.
    static func range(_ versions: ClosedRange<Int>) -> String {
        versions.count == 1
            ? "version \(versions.lowerBound)" : "versions \(versions.lowerBound) to \(versions.upperBound)"
    }

    /// `Since version 3`, `Until version 7`, `Versions 3 to 7`.
    static func range(_ inner: ClosedRange<Int>, in outer: ClosedRange<Int>) -> String {
        if inner.upperBound == outer.upperBound { return "Since version \(inner.lowerBound)" }
        if inner.lowerBound == outer.lowerBound { return "Until version \(inner.upperBound)" }
        return "V" + range(inner).dropFirst()
    }

    /// `, since version 3`, or nothing where `inner` is all of `outer`.
    static func suffix(_ inner: ClosedRange<Int>, _ outer: ClosedRange<Int>) -> String {
        guard inner != outer else { return "" }
        let text = range(inner, in: outer)
        return ", " + text.prefix(1).lowercased() + text.dropFirst()
    }
}
