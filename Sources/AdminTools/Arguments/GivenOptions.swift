/// The options of one command line.
package struct GivenOptions: Sendable {
    private struct Entry {
        /// The name it was given by first.
        var spelled: String
        var values: [String]
        var count: Int
    }

    private let table: OptionTable
    private var entries: [String: Entry] = [:]
    /// Words that belong to no option; Kafka's tools pass over them.
    package internal(set) var strayWords: [String] = []
    /// The old names that were used, with the new ones.
    package private(set) var warnings: [String] = []

    init(_ table: OptionTable) { self.table = table }

    mutating func add(_ option: ToolOption, spelled: String, _ values: [String]) throws(ToolFailure) {
        guard var entry = entries[option.name] else {
            entries[option.name] = Entry(spelled: spelled, values: values, count: 1)
            if spelled != option.name {
                warnings.append(
                    "Option --\(spelled) is deprecated and will be removed in a future version. Use --\(option.name) "
                        + "instead.")
            }
            return
        }
        guard entry.spelled == spelled else {
            let old = entry.spelled == option.name ? spelled : entry.spelled
            throw table.failure("Options --\(old) and --\(option.name) cannot be specified together.")
        }
        entry.values += values
        entry.count += 1
        entries[option.name] = entry
    }

    /// The words as they were given, for complaints that repeat them.
    package internal(set) var commandLine = ""

    /// True where nothing at all was given.
    package var isEmpty: Bool { entries.isEmpty && strayWords.isEmpty }

    /// Whether an option was given, under whichever of its names.
    package func has(_ option: ToolOption) -> Bool { entries[option.name] != nil }

    /// All values of an option, in their order.
    package func all(_ option: ToolOption) -> [String] { entries[option.name]?.values ?? [] }

    /// The value of an option that may be given once; nil where it is not given.
    package func text(_ option: ToolOption) throws(ToolFailure) -> String? {
        guard let entry = entries[option.name] else { return nil }
        guard entry.count == 1 || option.isRepeatable else {
            throw table.failure("Found multiple arguments for option \(option.name), but you asked for only one")
        }
        return entry.values.last
    }

    /// The value of an option that must be given.
    package func needed(_ option: ToolOption) throws(ToolFailure) -> String {
        guard let value = try text(option) else { throw missing(option) }
        return value
    }

    /// A value that is a number within a range; nil where it is not given.
    package func number<Number: FixedWidthInteger & Sendable>(
        _ option: ToolOption, of type: Number.Type = Number.self
    ) throws(ToolFailure) -> Number? {
        guard let text = try text(option) else { return nil }
        guard let value = Number(text) else {
            switch table.habit {
            case .joptsimple: throw table.failure("Cannot parse argument '\(text)' of option \(option.name)")
            case .argparse: throw table.failure("argument --\(option.name): could not convert '\(text)' to a number")
            }
        }
        return value
    }

    /// Complains where an option is not given.
    package func need(_ option: ToolOption) throws(ToolFailure) {
        if !has(option) { throw missing(option) }
    }

    /// Complains where an option and one of the others are given together.
    package func exclude(_ option: ToolOption, _ others: [ToolOption]) throws(ToolFailure) {
        guard has(option) else { return }
        for other in others where has(other) {
            switch table.habit {
            case .joptsimple: throw .exclusive(option.name, other.name)
            case .argparse: throw table.failure("argument --\(other.name): not allowed with argument --\(option.name)")
            }
        }
    }

    private func missing(_ option: ToolOption) -> ToolFailure {
        switch table.habit {
        case .joptsimple: .missing(option.name)
        case .argparse: table.failure("argument --\(option.name) is required")
        }
    }
}
