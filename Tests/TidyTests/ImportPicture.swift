/// Who may import whom: read from the text of `Package.swift`, and from the table in `docs/architecture.md`.
struct ImportPicture {
    /// Module → the modules and package products its target names.
    var imports: [String: Set<String>] = [:]

    /// The `Module(name: …, imports: […], packages: […])` entries of `Package.swift`.
    static func fromPackage(_ text: String) -> ImportPicture {
        var picture = ImportPicture()
        let entry = /Module\(\s*name: "([^"]+)"(?<rest>[^)]*)\)/
        for match in text.matches(of: entry) {
            let named = match.output.rest.replacing("packages: nio", with: "packages: [\"NIOCore\", \"NIOPosix\"]")
            let names = named.matches(of: /"([^"]+)"/).map { String($0.output.1) }
            picture.imports[String(match.output.1)] = Set(names)
        }
        return picture
    }

    /// The table of `docs/architecture.md` below the line `| module | … | may import |`. A module may import what its
    /// row names and, as imports run downwards, all that those may import.
    static func fromTable(_ text: String) -> ImportPicture {
        var picture = ImportPicture()
        var isInTable = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("| module |"), line.hasSuffix("| may import |") {
                isInTable = true
                continue
            }
            guard isInTable else { continue }
            guard line.hasPrefix("|") else { break }
            let cells = line.split(separator: "|")
            guard cells.count >= 2, let first = cells.first, let last = cells.last else { continue }
            let imports = last.matches(of: /\w+/).map { String($0.output) }.filter { $0 != "nothing" }
            for name in first.matches(of: /`([^`]+)`/) { picture.imports[String(name.output.1)] = Set(imports) }
        }
        return picture
    }

    /// All that `module` reaches.
    func reach(_ module: String) -> Set<String> {
        var seen: Set<String> = []
        var open = Array(imports[module] ?? [])
        while let next = open.popLast() {
            if seen.insert(next).inserted { open += imports[next] ?? [] }
        }
        return seen
    }
}
