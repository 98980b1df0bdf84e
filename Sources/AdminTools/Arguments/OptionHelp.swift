/// The table of options that `--help` and complaints show, in two columns on 80 characters.
enum OptionHelp {
    private static let lineWidth = 80
    private static let optionWidthMax = 38

    /// An option with what follows it.
    static func form(of option: ToolOption) -> String {
        switch option.value {
        case .nothing: "--\(option.name)"
        case .required(let value): "--\(option.name) <\(value)>"
        case .optional(let value, _): "--\(option.name) [\(value)]"
        case .words(let value): "--\(option.name) <\(value)> ..."
        }
    }

    /// The lines of the table, sorted by the names.
    static func table(_ options: [ToolOption]) -> String {
        let rows = options.sorted { $0.name < $1.name }.map { (form(of: $0), help(of: $0)) }
        let longest = rows.reduce(0) { max($0, $1.0.count) }
        let left = min(longest, optionWidthMax) + 1
        return ([("Option", "Description"), ("------", "-----------")] + rows).map { form, help in
            let forms = wrapped(form, to: left - 1)
            let helps = wrapped(help, to: lineWidth - left - 1)
            return (0..<max(forms.count, helps.count)).map { index in
                let help = index < helps.count ? helps[index] : ""
                guard !help.isEmpty else { return index < forms.count ? forms[index] : "" }
                return PaddedTable.padded(index < forms.count ? forms[index] : "", left) + help
            }.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static func help(of option: ToolOption) -> String {
        guard !option.oldNames.isEmpty else { return option.help }
        return option.help + " (Old names: " + option.oldNames.map { "--\($0)" }.joined(separator: ", ") + ".)"
    }

    /// The text in lines; those behind the first begin with two spaces.
    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > width {
                lines.append(line)
                line = "  " + word
            } else {
                line += (line.isEmpty ? "" : " ") + word
            }
        }
        return lines + [line]
    }
}
