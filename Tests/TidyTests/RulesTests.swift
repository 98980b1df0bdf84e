import Testing

/// The rules' own eyes: what they must see and what they must overlook.
@Suite("The rules of tidiness")
struct RulesTests {
    @Test("Comments and string contents are blanked, interpolated code stays")
    func bareText() {
        #expect(BareText.of("a // Date()\nb") == "a          \nb")
        #expect(BareText.of(#"let a = "Date()" + b"#) == #"let a = "      " + b"#)
        #expect(BareText.of(#"x("\(Date())")"#).contains("Date()"))
        #expect(!BareText.of("\"\"\"\n  Task {\n\"\"\"").contains("Task"))
        #expect(!BareText.of("#\"a \" Task {\"#").contains("Task"))
        #expect(!BareText.of("/* a /* Task { */ Task { */").contains("Task"))
    }

    @Test("Lengths are those of bodies; requirements of a protocol have none")
    func lengths() throws {
        let text = """
            protocol P {
                func a(_ x: Int) -> Int
                func b()
            }
            struct S {
                init(x: Int, f: () -> Void = {}) {
                    self.x = x
                }
                static func c(
                    _ x: Int
                ) -> Int {
                    [1].map { $0 + x }[0]
                }
            }
            """
        let lines = text.split(separator: "\n").map(String.init)
        let file = SourceFile(path: "Sources/X/S.swift", module: "X", lines: lines, bareLines: lines)
        let found = try FunctionLengths.found(in: file)
        #expect(found.map(\.name) == ["init", "func c"])
        #expect(found.map(\.lineCount) == [3, 5])
    }

    @Test("Package.swift entries and table rows are read")
    func pictures() {
        let package = ImportPicture.fromPackage(
            #"Module(name: "A", imports: ["B"], packages: nio), Module(name: "B"),"#)
        #expect(package.imports == ["A": ["B", "NIOCore", "NIOPosix"], "B": []])
        let table = ImportPicture.fromTable(
            "text\n| module | what | may import |\n| --- | --- | --- |\n| `A`, `C` | x | B |\n| `B` | x | D |\n\n| `D` | E |"
        )
        #expect(table.imports["A"] == ["B"])
        #expect(table.reach("C") == ["B", "D"])
        #expect(table.imports["D"] == nil)
    }
}
