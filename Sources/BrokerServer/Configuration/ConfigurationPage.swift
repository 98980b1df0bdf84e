/// The text of `docs/configuration.md`, made from the table that the code uses.
package enum ConfigurationPage {
    package static var text: String {
        var page = """
            # Configuration

            `martlet server server.properties --override key=value` takes Kafka's keys. The keys below act. Other
            keys of Kafka are known: a node that is given one names it at start and ignores it, or refuses to start
            where ignoring it would be unsafe (access control, TLS, SASL, dynamic voters). An unknown key is named with
            the nearest known one.

            Defaults that differ from Kafka's serve fast failover and durable acknowledgements: `log.flush.on.ack`,
            `broker.heartbeat.interval.ms`, `broker.session.timeout.ms`, `controller.quorum.*`, `max.connections*`.

            This page is made from `Sources/BrokerServer/Configuration/SettingTable.swift`; a test compares the two
            (`REWRITE_DOCS=1 swift test --filter ConfigurationPage` writes it anew).

            """
        page += section("The node", SettingTable.node)
        page += section("Network", SettingTable.network)
        page += section("Quorum, controller, broker life", SettingTable.quorum)
        page += section("Topics and logs", SettingTable.topics)
        page += section("Replication", SettingTable.replication)
        page += section("Groups and producers", SettingTable.groups)
        return page
    }

    private static func section(_ title: String, _ settings: [Setting]) -> String {
        var text = "\n## \(title)\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n"
        for setting in settings {
            let value = setting.defaultValue.map { $0.isEmpty ? "(empty)" : "`\($0)`" } ?? "none"
            text += "| `\(setting.name)` | \(kindName(setting.kind)) | \(value) | \(setting.meaning) |\n"
        }
        return text
    }

    private static func kindName(_ kind: Setting.Kind) -> String {
        switch kind {
        case .string: "text"
        case .boolean: "true or false"
        case .list: "list"
        case .integer(let range):
            switch (range.lowerBound, range.upperBound) {
            case (Int64.min, _): "number"
            case (let least, Int64.max), (let least, Int64(Int32.max)): "number ≥ \(least)"
            case (let least, let most): "number \(least)–\(most)"
            }
        }
    }
}
