import Controller

/// The text of `docs/configuration.md`, made from the tables that the code uses.
package enum ConfigurationPage {
    package static var text: String {
        var page = """
            # Configuration

            `martlet server server.properties --override key=value` takes Kafka's keys. Every key of Kafka 4.3 is known:

            - it acts (the first tables), or
            - a node that is given it names it at start, says why it does not act, and ignores it, or
            - the node refuses to start, where ignoring the key would leave a cluster open or wrong.

            An unknown key is named with the nearest known one. Keys of one listener (`listener.name.NAME.KEY`) are
            known, and do not act yet; those of TLS and SASL are refused.

            Defaults that differ from Kafka's serve fast failover and durable acknowledgements: `log.flush.on.ack`,
            `broker.heartbeat.interval.ms`, `broker.session.timeout.ms`, `controller.quorum.*`, `max.connections*`.

            ## At run time

            `martlet configs`, `kafka-configs.sh` and every admin client change settings without a restart; a change
            acts at once. The column "run time" says where:

            - **cluster**: for all brokers (`--entity-type brokers --entity-default`) or for one (`--entity-name 1`),
              which goes before all;
            - **cluster only**: for all brokers;
            - **broker**: for one;
            - otherwise in the properties only.

            A value that is set at run time goes before the properties. `min.insync.replicas` is one for the whole
            cluster from its first start on, as the election of a leader depends on it: the first active controller
            writes down its own, and afterwards it changes at run time.

            Kafka changes these at run time, too; here they act from the next start on, and a change at run time is
            refused:

            \(fromNextStart)

            Those of TLS and of what is not built yet stand under [Refused](#refused) and
            [Known and ignored](#known-and-ignored-with-a-warning).

            This page is made from the tables in `Sources/BrokerServer/Configuration` and
            `Sources/Controller/Configs/TopicConfigs.swift`; a test compares the two
            (`REWRITE_DOCS=1 swift test --filter ConfigurationPage` writes it anew).

            """
        page += section("The node", SettingTable.node)
        page += section("Network", SettingTable.network)
        page += section("Quorum, controller, broker life", SettingTable.quorum)
        page += section("Failure detection", SettingTable.detection)
        page += section("Topics and logs", SettingTable.topics)
        page += section("Compaction", SettingTable.cleaner)
        page += section("Replication", SettingTable.replication)
        page += section("Groups", SettingTable.groups)
        page += section("Transactions and producers", SettingTable.transactions)
        page += section("Consumer groups (KIP-848)", SettingTable.consumerGroups)
        return page + topics + idle
    }

    private static var fromNextStart: String {
        SettingTable.fromNextStart.map { "- `\($0.name)`: \($0.reason)" }.joined(separator: "\n")
    }

    private static func section(_ title: String, _ settings: [Setting]) -> String {
        var text = "\n## \(title)\n\n| key | type | default | run time | meaning |\n| --- | --- | --- | --- | --- |\n"
        for setting in settings where setting.effect == .acts {
            text += "| `\(setting.name)` | \(kindName(setting.kind)) | \(shown(setting.defaultValue)) "
            text += "| \(changeName(setting.change)) | \(setting.meaning) |\n"
        }
        return text
    }

    private static var topics: String {
        var text = """

            ## Topics

            Set when a topic is made (`--config`), or later (`--entity-type topics`); a change acts at once. What a
            topic does not set is the broker's key beside it.

            | key | default | broker's key | meaning |
            | --- | --- | --- | --- |

            """
        for config in TopicConfigs.all {
            let broker = config.brokerKey.map { "`\($0)`" } ?? ""
            var meaning = config.meaning
            if let absence = TopicAbsences.absence(of: config.name) { meaning += " Does not act: \(absence.sentence)." }
            text += "| `\(config.name)` | \(shown(config.defaultValue)) | \(broker) | \(meaning) |\n"
        }
        return text
    }

    private static var idle: String {
        var ignored = """

            ## Known and ignored, with a warning

            | key | run time | why |
            | --- | --- | --- |

            """
        var refused = """

            ## Refused

            A value that asks for nothing that is missing (empty, `none`, `false`) is let through.

            | key | why |
            | --- | --- |

            """
        for setting in SettingTable.all.sorted(by: { $0.name < $1.name }) {
            switch setting.effect {
            case .acts: continue
            case .ignored(let absence):
                ignored += "| `\(setting.name)` | \(changeName(setting.change)) | \(absence.sentence) |\n"
            case .refused(let absence, _): refused += "| `\(setting.name)` | \(absence.sentence) |\n"
            }
        }
        return refused + ignored
    }

    private static func shown(_ value: String?) -> String {
        value.map { $0.isEmpty ? "(empty)" : "`\($0)`" } ?? "none"
    }

    private static func changeName(_ change: Setting.Change) -> String {
        switch change {
        case .readOnly: ""
        case .perBroker: "broker"
        case .clusterWide: "cluster"
        case .clusterOnly: "cluster only"
        }
    }

    private static func kindName(_ kind: Setting.Kind) -> String {
        switch kind {
        case .string: "text"
        case .boolean: "true or false"
        case .list: "list"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .className: "class"
        case .password: "secret"
        case .double(let range): "number \(range.lowerBound)–\(range.upperBound)"
        case .integer(let range):
            switch (range.lowerBound, range.upperBound) {
            case (Int64.min, _), (Int64(Int32.min), _): "number"
            case (let least, Int64.max), (let least, Int64(Int32.max)): "number ≥ \(least)"
            case (let least, let most): "number \(least)–\(most)"
            }
        }
    }
}
