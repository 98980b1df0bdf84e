extension PropertiesFile {
    /// The file as text that reads back to the same keys and values.
    package var text: String {
        keys.map {
            "\(PropertiesFile.escaped($0, isKey: true))=\(PropertiesFile.escaped(self[$0] ?? "", isKey: false))\n"
        }
        .joined()
    }

    private static func escaped(_ text: String, isKey: Bool) -> String {
        var result = ""
        for (index, character) in text.unicodeScalars.enumerated() {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{c}": result += "\\f"
            case " " where isKey || index == 0: result += "\\ "
            case "=" where isKey, ":" where isKey: result += "\\" + String(character)
            case "#" where isKey && index == 0, "!" where isKey && index == 0: result += "\\" + String(character)
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
