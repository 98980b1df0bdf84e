import Testing

@testable import BrokerServer

@Suite struct SettingsTests {
    private func settings(_ text: String) throws -> Settings { try Settings(PropertiesFile(parsing: text)) }

    @Test("a properties file knows comments, separators, joined lines and escapes")
    func properties() {
        let file = PropertiesFile(
            parsing: "# comment\n! too\na=1\nb : two words \nc three\nd=x\\\n   y\ne\\ f=\\u0041\\t\\\\\na=2\n\ng")
        #expect(file.keys == ["a", "b", "c", "d", "e f", "g"])
        #expect(file["a"] == "2")
        #expect(file["b"] == "two words ")
        #expect(file["c"] == "three")
        #expect(file["d"] == "xy")
        #expect(file["e f"] == "A\t\\")
        #expect(file["g"] == "")
    }

    @Test("defaults stand in for keys that are not given")
    func defaults() throws {
        let settings = try settings("num.partitions=6")
        #expect(settings.integer("num.partitions") == 6)
        #expect(settings.integer("default.replication.factor") == 1)
        #expect(settings.boolean("log.flush.on.ack"))
        #expect(settings.optionalInteger("node.id") == nil)
        #expect(settings.list("log.cleanup.policy") == ["delete"])
    }

    @Test(
        "a value of the wrong kind is refused with the key's name",
        arguments: ["num.partitions=x", "num.partitions=0", "log.flush.on.ack=maybe", "node.id=-1"])
    func wrongValue(_ line: String) {
        #expect {
            try settings(line)
        } throws: { error in
            "\(error)".hasPrefix(String(line.prefix { $0 != "=" }))
        }
    }

    @Test("what is unsafe to ignore is refused")
    func unsafe() {
        #expect(throws: ConfigurationError.self) { try settings("authorizer.class.name=Standard") }
        #expect(throws: ConfigurationError.self) { try settings("ssl.keystore.location=/k") }
        #expect(throws: ConfigurationError.self) { try settings("controller.quorum.bootstrap.servers=a:1") }
    }

    @Test("keys that do not act are warned about by name, unknown ones with the nearest known")
    func warnings() throws {
        let settings = try settings("log.cleaner.threads=2\nnum.partition=3\nfoo.bar.baz=1")
        #expect(settings.warnings.count == 3)
        #expect(settings.warnings[0].contains("log.cleaner.threads"))
        #expect(settings.warnings[1].contains("Did you mean num.partitions?"))
        #expect(settings.warnings[2] == "foo.bar.baz is not a known key; it is ignored")
    }

    @Test("no key both acts and does not act")
    func tablesAreDisjoint() {
        #expect(SettingTable.all.filter { KnownKeys.notActing.contains($0.name) }.isEmpty)
        for setting in SettingTable.all {
            guard let value = setting.defaultValue else { continue }
            #expect(throws: Never.self) { try settings("\(setting.name)=\(value)") }
        }
    }
}
