import Testing

/// The rules that keep the house readable at first glance; each failure names its file and line.
@Suite("Tidiness")
struct TidyTests {
    /// Where nothing may wait, ask the time, draw a number or touch the world by itself.
    static let belowTheLine: Set<String> = [
        "Controller", "Coordinators", "Security", "Replication", "Quorum", "ClientCore", "Metadata", "LogStorage",
        "WireMessages", "WireProtocol", "World", "Histories", "Primitives",
    ]

    /// Modules of the language itself that anybody above the line may import.
    static let systemModules: Set<String> = [
        "Foundation", "FoundationEssentials", "Glibc", "Musl", "Synchronization", "Dispatch", "Testing",
        "PackageDescription",
    ]

    /// Files that gather small kindred types, and so carry the name of the group.
    static let gatherings: Set<String> = [
        "Numbers", "Files", "main", "QuorumMessages", "IndexEntries", "ClusterNodeCommands", "SessionPartitions",
    ]

    static var ours: [SourceFile] { SourceTree.files.filter { $0.isInSources && !$0.isGenerated } }

    @Test("Package.swift lets no module import what the table of docs/architecture.md does not")
    func picture() throws {
        let package = ImportPicture.fromPackage(try #require(SourceTree.text("Package.swift")))
        let table = ImportPicture.fromTable(try #require(SourceTree.text("docs/architecture.md")))
        #expect(package.imports.count > 15)
        for module in package.imports.keys.sorted() {
            try #require(table.imports[module] != nil, "docs/architecture.md has no row for \(module)")
            let named = (package.imports[module] ?? []).filter { package.imports[$0] != nil }
            let tooMany = named.subtracting(table.reach(module)).sorted()
            #expect(tooMany.isEmpty, "\(module) imports \(tooMany), which docs/architecture.md does not show")
        }
    }

    @Test("No module imports in a circle, and the shell and the worlds do not know each other")
    func direction() throws {
        let picture = ImportPicture.fromPackage(try #require(SourceTree.text("Package.swift")))
        for module in picture.imports.keys.sorted() {
            #expect(!picture.reach(module).contains(module), "\(module) reaches itself")
        }
        for world in ["Transport", "LiveWorld"] {
            #expect(!picture.reach("BrokerServer").contains(world))
            #expect(!picture.reach("Simulator").contains(world))
            #expect(picture.reach(world).isDisjoint(with: ["Controller", "Quorum", "Replication", "Coordinators"]))
        }
    }

    @Test("Every import line is in the picture")
    func importLines() throws {
        let imports = ImportPicture.fromPackage(try #require(SourceTree.text("Package.swift"))).imports
        let line = try Regex(
            #"^\s*(?:@testable |@preconcurrency |@_exported |package |public |internal |private )*"#
                + #"import (?:struct |class |enum |func )?(\w+)"#)
        for file in SourceTree.files where file.isInSources {
            let allowed = imports[file.module] ?? []
            for (index, text) in file.bareLines.enumerated() {
                guard let match = text.prefixMatch(of: line) else { continue }
                let name = String(match.output[1].substring ?? "")
                let isSystem = TidyTests.systemModules.contains(name) && !TidyTests.belowTheLine.contains(file.module)
                // The switches of rules are in one build only: `MutantSwitches` looks after them.
                let isFine = allowed.contains(name) || isSystem || ["Synchronization", "Mutants"].contains(name)
                #expect(isFine, "\(file.path):\(index + 1): \(file.module) may not import \(name)")
            }
        }
    }

    @Test("Below the line nothing asks a clock, draws numbers, waits or starts a task")
    func bannedCallsBelowTheLine() throws {
        let banned: [(String, String)] = [
            (#"\bDate\("#, "Date("), (#"\bUUID\(\)"#, "UUID()"), (#"\b(Continuous|Suspending)Clock\b"#, "a clock"),
            (#"SystemRandomNumberGenerator"#, "the system's randomness"), (#"\bshuffled\(\)"#, "shuffled()"),
            (#"\brandomElement\(\)"#, "randomElement()"), (#"\.random\(\)"#, "random()"),
            (#"\.random\(in:(?!.*using:)"#, ".random(in:) without using:"), (#"\bTask\s*[{(.]"#, "Task"),
            (#"\bThread\b"#, "Thread"), (#"\bprint\("#, "print"),
        ]
        let waiting = [(#"\bawait\b"#, "await"), (#"\basync\b"#, "async"), (#"\bactor\b"#, "actor")]
        let patterns = try (banned + waiting).map { (try Regex($0.0), $0.1) }
        for file in TidyTests.ours where TidyTests.belowTheLine.contains(file.module) || file.module == "BrokerServer" {
            for (index, text) in file.bareLines.enumerated() {
                for (pattern, name) in patterns where text.contains(pattern) {
                    Issue.record("\(file.path):\(index + 1): \(name) has no place here")
                }
            }
        }
    }

    @Test("No try!, as!, fatalError and no promise to do it later")
    func bannedWords() throws {
        // Spelled in pieces, so that this file passes its own test.
        let words = try Regex(#"\b(FIX"# + #"ME|TO"# + #"DO|XX"# + #"X|HA"# + #"CK)\b"#)
        let calls = try Regex(#"\btry!|\bas!|\bfatalError\("#)
        for file in SourceTree.files where !file.isGenerated {
            for (index, text) in file.lines.enumerated() where text.contains(words) {
                Issue.record("\(file.path):\(index + 1): \(text)")
            }
            for (index, text) in file.bareLines.enumerated() where file.isInSources && text.contains(calls) {
                Issue.record("\(file.path):\(index + 1): \(text)")
            }
        }
    }

    @Test("Lines have at most 120 characters, files 600 lines, functions 70")
    func sizes() throws {
        for file in SourceTree.files where !file.isGenerated {
            #expect(file.lines.count <= 601, "\(file.path) has \(file.lines.count) lines")
            for (index, text) in file.lines.enumerated() where text.count > 120 {
                // A long literal (a regular expression, a golden line) in a test may stand on one line.
                if !file.isInSources, text.contains("\"") || text.contains("= /") { continue }
                Issue.record("\(file.path):\(index + 1): \(text.count) characters")
            }
            for function in try FunctionLengths.found(in: file) where function.lineCount > 70 {
                Issue.record("\(file.path):\(function.line): \(function.name) has \(function.lineCount) lines")
            }
        }
    }

    /// A file that adds one concern to a type that stands elsewhere is named after that concern.
    private static func isConcern(_ file: SourceFile) throws -> Bool {
        let added = file.bareLines.compactMap { line in
            line.hasPrefix("extension ")
                ? line.dropFirst("extension ".count).prefix { $0.isLetter || $0.isNumber } : nil
        }
        return try added.contains { name in
            let own = try Regex(#"\b(struct|class|enum|protocol|actor)\s+"# + name + #"\b"#)
            return !file.bareLines.contains { $0.contains(own) }
        }
    }

    @Test("A file carries the name of its main type, or of the one concern it adds to another")
    func mainType() throws {
        for file in TidyTests.ours where !TidyTests.gatherings.contains(file.name) {
            let wanted = String(file.name.split(separator: "+")[0])
            let declaration = try Regex(
                #"\b(struct|class|enum|protocol|actor|typealias|extension)\s+"# + wanted + #"\b"#)
            let isThere = file.bareLines.contains { $0.contains(declaration) }
            let isEmpty = file.bareLines.allSatisfy { $0.allSatisfy(\.isWhitespace) }
            #expect(
                try isThere || isEmpty || TidyTests.isConcern(file),
                "\(file.path) declares or extends no \(wanted)")
        }
    }

    @Test("Every package type and function is documented, unless a protocol documents it")
    func documented() throws {
        let requirements = try protocolRequirements()
        let type = try Regex(
            #"^\s*(@\w+\s+)*package (final |indirect )*(struct|class|enum|protocol|actor|typealias) (\w+)"#)
        let function = try Regex(
            #"^\s*(@\w+\s+)*package (static |mutating |consuming |borrowing |final )*func ([^\s(<]+)"#)
        for file in TidyTests.ours {
            for (index, text) in file.bareLines.enumerated() {
                if let match = text.prefixMatch(of: type), !isDocumented(file, index) {
                    Issue.record("\(file.path):\(index + 1): \(match.output[4].substring ?? "") is not documented")
                }
                guard let match = text.prefixMatch(of: function), !isDocumented(file, index) else { continue }
                let name = String(match.output[3].substring ?? "")
                let isOperator = !(name.first?.isLetter ?? false) && name.first != "_"
                if isOperator || requirements.contains(name) { continue }
                Issue.record("\(file.path):\(index + 1): \(name) is not documented")
            }
        }
    }

    /// The names of all functions that a protocol of ours, or a well-known one, asks for.
    private func protocolRequirements() throws -> Set<String> {
        var names: Set<String> = [
            "hash", "next", "encode", "run", "makeAsyncIterator", "formIndex", "index", "validate",
        ]
        let opening = try Regex(#"\bprotocol \w+"#)
        let function = try Regex(#"\bfunc ([^\s(<]+)"#)
        for file in TidyTests.ours {
            var depth = 0
            for text in file.bareLines {
                if depth == 0, !text.contains(opening) { continue }
                if let match = text.firstMatch(of: function) { names.insert(String(match.output[1].substring ?? "")) }
                depth += text.count { $0 == "{" } - text.count { $0 == "}" }
            }
        }
        return names
    }

    /// Whether the lines above a declaration, attributes aside, end in a doc comment.
    private func isDocumented(_ file: SourceFile, _ index: Int) -> Bool {
        var above = index - 1
        while above >= 0 {
            let text = file.lines[above].drop { $0 == " " }
            if text.hasPrefix("///") { return true }
            guard text.hasPrefix("@") else { return false }
            above -= 1
        }
        return false
    }
}
