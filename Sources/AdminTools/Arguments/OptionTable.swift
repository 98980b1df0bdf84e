/// All options of a tool, and how its command line is read.
///
/// Kafka's tools have two parsers, joptsimple and argparse4j; they accept nearly the same and complain differently.
package struct OptionTable: Sendable {
    /// Whose complaints are made.
    package enum Habit: Hashable, Sendable {
        case joptsimple
        /// With the name of the program that stands in its usage line.
        case argparse(program: String)
    }

    package let purpose: String
    package let options: [ToolOption]
    package let habit: Habit

    package init(purpose: String, habit: Habit = .joptsimple, _ options: [ToolOption]) {
        self.purpose = purpose
        self.habit = habit
        self.options = options + [.help, .version]
    }

    /// Reads a command line: `--option value` and `--option=value`, names shortened as far as they stay distinct,
    /// one dash as good as two.
    ///
    /// - Errors: an unknown option, a missing value, an option under its old and its new name.
    package func parse(_ words: [String]) throws(ToolFailure) -> GivenOptions {
        var given = GivenOptions(self)
        given.commandLine = words.joined(separator: " ")
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                given.strayWords += rest
                break
            }
            guard OptionTable.looksLikeOption(word) else {
                given.strayWords.append(word)
                continue
            }
            try take(word, &rest, into: &given)
        }
        return given
    }

    private func take(_ word: String, _ rest: inout ArraySlice<String>, into given: inout GivenOptions)
        throws(ToolFailure)
    {
        let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = option(named: name) else { throw unknown(name) }
        let spelled = option.oldNames.first { $0.hasPrefix(name) && !option.name.hasPrefix(name) } ?? option.name
        let attached = parts.count == 2 ? String(parts[1]) : nil
        switch option.value {
        case .nothing:
            if attached != nil { throw failure("Option \(option.name) does not take an argument") }
            try given.add(option, spelled: spelled, [])
        case .required:
            guard let value = attached ?? rest.popFirst() else { throw missingValue(option) }
            try given.add(option, spelled: spelled, [value])
        case .optional(_, let whenAlone):
            if let attached {
                try given.add(option, spelled: spelled, [attached])
            } else if let next = rest.first, !OptionTable.looksLikeOption(next) {
                rest.removeFirst()
                try given.add(option, spelled: spelled, [next])
            } else {
                try given.add(option, spelled: spelled, [whenAlone])
            }
        case .words:
            var values = attached.map { [$0] } ?? []
            while let next = rest.first, !OptionTable.looksLikeOption(next) {
                values.append(next)
                rest.removeFirst()
            }
            guard !values.isEmpty else { throw missingValue(option) }
            try given.add(option, spelled: spelled, values)
        }
    }

    private static func looksLikeOption(_ word: String) -> Bool {
        guard word.hasPrefix("-"), word.count > 1 else { return false }
        // A negative number is a value.
        return Int64(word) == nil
    }

    /// The option of this name, of an old one, or the only one that begins so.
    private func option(named name: String) -> ToolOption? {
        if let exact = options.first(where: { $0.name == name || $0.oldNames.contains(name) }) { return exact }
        guard !name.isEmpty else { return nil }
        if name == "h" { return .help }
        let beginning = options.filter { option in
            option.name.hasPrefix(name) || option.oldNames.contains { $0.hasPrefix(name) }
        }
        return beginning.count == 1 ? beginning[0] : nil
    }

    private func unknown(_ name: String) -> ToolFailure {
        switch habit {
        case .joptsimple: .usage("\(name) is not a recognized option")
        case .argparse: failure("unrecognized arguments: '--\(name)'")
        }
    }

    private func missingValue(_ option: ToolOption) -> ToolFailure {
        switch habit {
        case .joptsimple: .usage("Option \(option.name) requires an argument")
        case .argparse: failure("argument --\(option.name): expected one argument")
        }
    }

    /// A complaint about the command line in the tool's habit.
    package func failure(_ text: String) -> ToolFailure {
        switch habit {
        case .joptsimple: .usage(text)
        case .argparse(let program): ToolFailure("\(usage)\n\(program): error: \(text)")
        }
    }

    /// The text of `--help`.
    package var help: String {
        switch habit {
        case .joptsimple: "\(purpose)\n\(OptionHelp.table(options))"
        case .argparse: "\(usage)\n\n\(purpose)\n\n\(OptionHelp.table(options))"
        }
    }

    /// What is printed after a complaint, or when no option is given.
    package var usage: String {
        switch habit {
        case .joptsimple: OptionHelp.table(options)
        case .argparse(let program):
            "usage: \(program) " + options.map { "[\(OptionHelp.form(of: $0))]" }.joined(separator: " ")
        }
    }
}
