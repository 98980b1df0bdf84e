import Foundation
import MessageForge
import Testing
import WireDefinitions

@testable import wiregen

@Suite("The generated code")
struct GeneratedCodeTests {
    @Test("Generating again changes nothing")
    func upToDate() throws {
        let folder = MessageCatalog.root + "/Sources/WireMessages/Generated"
        let wanted = try Generator(definitionsFolder: MessageCatalog.definitionsFolder).files()
        let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        #expect(Set(found.filter { $0.hasSuffix(".swift") }) == Set(wanted.keys))
        for (path, text) in wanted {
            let there = try? String(contentsOfFile: folder + "/" + path, encoding: .utf8)
            #expect(there == text, "run: swift run wiregen (\(path))")
        }
    }

    @Test(
        "A definition that can't be understood is refused with its line",
        arguments: [
            ("data A\n", 1), ("api x B\nversions 0\n", 1), ("data A\nversions 3-1\n\nfields\n", 2),
            ("data A\nversions 0\n\nfields\n    a  Int\n", 5), ("data A\nversions 0\n\nfields\n    a  integer\n", 5),
            ("data A\nversions 0\n\nfields\n    a  int8  often\n", 5),
            ("data A\nversions 0\n\nfields\n   a  int8\n", 5),
            ("data A\nversions 0\n\nfields\n    a  int8\n        b  int8\n", 6),
        ])
    func refused(text: String, line: Int) {
        do {
            _ = try DefinitionParser.parse(path: "x.wire", text: text)
            Issue.record("accepted")
        } catch { #expect((error as? DefinitionError)?.line == line) }
    }
}
