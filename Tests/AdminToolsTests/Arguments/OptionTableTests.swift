import AdminTools
import Testing

@Suite("How command lines are read")
struct OptionTableTests {
    static let topic = ToolOption("topic", .required("topic"), help: "The topic.")
    static let topicID = ToolOption("topic-id", .required("id"), help: "The id.")
    static let list = ToolOption("list", help: "List.")
    static let codec = ToolOption("codec", .optional("name", whenAlone: "gzip"), help: "The codec.")
    static let settings = ToolOption(
        "command-property", .required("key=value"), oldNames: ["producer-property"], isRepeatable: true, help: "One.")
    static let words = ToolOption("props", .words("key=value"), help: "Several.")
    static let count = ToolOption("count", .required("number"), help: "A number.")
    static let table = OptionTable(
        purpose: "A tool for tests.", [topic, topicID, list, codec, settings, words, count])

    static func complaint(_ words: String..., of table: OptionTable = table) -> String? {
        do {
            let given = try table.parse(words)
            _ = try given.text(topic)
            let _: Int32? = try given.number(count)
            return nil
        } catch { return error.description }
    }

    @Test("Values stand behind the option or behind an equals sign; one dash is as good as two")
    func values() throws {
        for words in [["--topic", "a"], ["--topic=a"], ["-topic", "a"], ["-topic=a"]] {
            #expect(try Self.table.parse(words).text(Self.topic) == "a")
        }
        #expect(try Self.table.parse(["--topic", "--list"]).text(Self.topic) == "--list")
        #expect(try Self.table.parse(["--topic="]).text(Self.topic) == "")
    }

    @Test("A name may be shortened as long as only one option begins so")
    func shortened() throws {
        #expect(try Self.table.parse(["--li"]).has(Self.list))
        #expect(try Self.table.parse(["--topic", "a"]).has(Self.topic))
        #expect(Self.complaint("--top", "a") == "top is not a recognized option")
    }

    @Test("An option with a value of its own may stand alone")
    func optional() throws {
        #expect(try Self.table.parse(["--codec", "--list"]).text(Self.codec) == "gzip")
        #expect(try Self.table.parse(["--codec", "lz4"]).text(Self.codec) == "lz4")
        #expect(try Self.table.parse(["--codec"]).text(Self.codec) == "gzip")
    }

    @Test("What is wrong is said in the words of joptsimple")
    func complaints() {
        #expect(Self.complaint("--nope") == "nope is not a recognized option")
        #expect(Self.complaint("--topic") == "Option topic requires an argument")
        #expect(
            Self.complaint("--topic", "a", "--topic", "b")
                == "Found multiple arguments for option topic, but you asked for only one")
        #expect(Self.complaint("--count", "x") == "Cannot parse argument 'x' of option count")
        #expect(Self.complaint("--count", "3000000000") == "Cannot parse argument '3000000000' of option count")
        #expect(
            Self.complaint("--producer-property", "a=b", "--command-property", "c=d")
                == "Options --producer-property and --command-property cannot be specified together.")
    }

    @Test("What is wrong is said in the words of argparse4j where the tool has that parser")
    func argparse() {
        let table = OptionTable(purpose: "A tool.", habit: .argparse(program: "prog"), [Self.topic, Self.count])
        let complaint = Self.complaint("--topic", of: table)
        #expect(complaint?.hasPrefix("usage: prog ") == true)
        #expect(complaint?.hasSuffix("\nprog: error: argument --topic: expected one argument") == true)
    }

    @Test("Old names work with a warning, repeated options keep their order, stray words are told")
    func oldNames() throws {
        let given = try Self.table.parse(["--producer-property", "a=b", "--producer-property", "c=d", "stray"])
        #expect(given.all(Self.settings) == ["a=b", "c=d"])
        #expect(
            given.warnings == [
                "Option --producer-property is deprecated and will be removed in a future version. Use "
                    + "--command-property instead."
            ])
        #expect(given.strayWords == ["stray"])
    }

    @Test("Several words belong to one option, up to the next one")
    func severalWords() throws {
        let given = try Self.table.parse(["--props", "a=b", "c=d", "--count", "-1"])
        #expect(given.all(Self.words) == ["a=b", "c=d"])
        #expect(try given.number(Self.count, of: Int64.self) == -1)
    }

    @Test("The table of options has two columns on 80 characters")
    func help() {
        let lines = Self.table.usage.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0].hasPrefix("Option") && lines[0].hasSuffix("Description"))
        #expect(lines.allSatisfy { $0.count <= 80 && $0.last != " " })
        #expect(lines.contains { $0.hasPrefix("--codec [name]") })
        #expect(lines.contains { $0.hasPrefix("--version") })
    }
}
