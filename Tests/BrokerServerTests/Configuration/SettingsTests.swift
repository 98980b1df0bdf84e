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
    }

    @Test("keys that do not act are warned about by name, unknown ones with the nearest known")
    func warnings() throws {
        let settings = try settings("quota.window.num=2\nnum.partition=3\nfoo.bar.baz=1")
        #expect(settings.warnings.count == 3)
        #expect(settings.warnings[0].contains("quota.window.num"))
        #expect(settings.warnings[1].contains("Did you mean num.partitions?"))
        #expect(settings.warnings[2] == "foo.bar.baz is not a known key; it is ignored")
    }

    @Test("every key stands in the table once, with a default that it accepts, and has a sentence")
    func tableIsSound() {
        #expect(SettingTable.byName.count == SettingTable.all.count)
        for setting in SettingTable.all {
            if case .acts = setting.effect { #expect(!setting.meaning.isEmpty, "\(setting.name)") }
            guard let value = setting.defaultValue else { continue }
            #expect(throws: Never.self, "\(setting.name)") { try settings("\(setting.name)=\(value)") }
        }
    }

    @Test(
        "a key that must not be ignored ends the start, unless it asks for nothing",
        arguments: [
            ("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "access control"),
            ("zookeeper.connect=zk:2181", "ZooKeeper"), ("ssl.client.auth=required", "TLS"),
            ("listener.name.external.ssl.keystore.location=/k", "TLS"), ("sasl.enabled.mechanisms=PLAIN", "SASL"),
            ("listener.name.external.plain.sasl.jaas.config=secret", "SASL"),
            ("remote.log.storage.system.enable=true", "tiered storage"),
            ("create.topic.policy.class.name=a.B", "Java"), ("config.providers=file", "values are taken"),
        ])
    func refusedKeys(_ line: String, _ reason: String) {
        #expect {
            try settings(line)
        } throws: { error in
            "\(error)".contains(reason) && "\(error)".hasPrefix(line.prefix { $0 != "=" })
                && !"\(error)".contains("secret")
        }
    }

    @Test(
        "values that ask for nothing are let through",
        arguments: [
            "authorizer.class.name=", "ssl.client.auth=none", "remote.log.storage.system.enable=false",
            "zookeeper.metadata.migration.enable=false",
        ])
    func harmless(_ line: String) throws { _ = try settings(line) }

    @Test("keys of a listener and of plugins are told by their beginning")
    func prefixes() throws {
        let warnings = try settings(
            """
            listener.name.internal.connections.max.idle.ms=5
            rsm.config.bucket=b
            confluent.metrics.enable=true
            quota.window.num=2
            """
        ).warnings
        try #require(warnings.count == 4)
        #expect(warnings[0].contains("keys of one listener"))
        #expect(warnings[1].contains("tiered storage"))
        #expect(warnings[2].contains("another distribution"))
        #expect(
            warnings[3]
                == "quota.window.num is known but does not act: quotas of clients are not built yet")
    }

    @Test("of a time in several units the finest that is given counts")
    func units() throws {
        #expect(try settings("").milliseconds("log.retention.ms") == 604_800_000)
        #expect(try settings("log.retention.hours=1").milliseconds("log.retention.ms") == 3_600_000)
        #expect(
            try settings("log.retention.hours=1\nlog.retention.minutes=2").milliseconds("log.retention.ms") == 120_000)
        #expect(try settings("log.retention.hours=1\nlog.retention.ms=3").milliseconds("log.retention.ms") == 3)
        #expect(try settings("log.retention.minutes=-1").milliseconds("log.retention.ms") == -1)
    }
}
