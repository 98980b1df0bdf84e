import AdminTools
import Testing

/// The options that Kafka 4.3's tools have, the old names among them: a script may use any of them.
@Suite("Every option of Kafka's tools is known")
struct KafkaOptionsTests {
    static let tools: [(name: String, table: OptionTable, options: String)] = [
        (
            "topics", TopicsCommand.table,
            """
            alter at-min-isr-partitions bootstrap-server command-config config create delete delete-config describe
            exclude-internal help if-exists if-not-exists list partition-size-limit-per-response partitions
            replica-assignment replication-factor topic topic-id topics-with-overrides unavailable-partitions
            under-min-isr-partitions under-replicated-partitions version
            """
        ),
        (
            "console-producer", ConsoleProducerCommand.table,
            """
            batch-size bootstrap-server command-config command-property compression-codec help line-reader max-block-ms
            max-memory-bytes max-partition-memory-bytes message-send-max-retries metadata-expiry-ms producer-property
            producer.config property reader-config reader-property request-required-acks request-timeout-ms
            retry-backoff-ms socket-buffer-size sync timeout topic version
            """
        ),
        (
            "console-consumer", ConsoleConsumerCommand.table,
            """
            bootstrap-server command-config command-property consumer-property consumer.config enable-systest-events
            formatter formatter-config formatter-property from-beginning group help include isolation-level
            key-deserializer max-messages offset partition property skip-message-on-error timeout-ms topic
            value-deserializer version
            """
        ),
        (
            "get-offsets", GetOffsetsCommand.table,
            """
            bootstrap-server command-config exclude-internal-topics help partitions time topic topic-partitions version
            """
        ),
        (
            "delete-records", DeleteRecordsCommand.table,
            "bootstrap-server command-config help offset-json-file version"
        ),
        (
            "dump-log", DumpLogCommand.table,
            """
            cluster-metadata-decoder deep-iteration files help index-sanity-check key-decoder-class max-bytes
            max-message-size offsets-decoder print-data-log remote-log-metadata-decoder share-group-state-decoder
            skip-record-metadata transaction-log-decoder value-decoder-class verify-index-only version
            """
        ),
        (
            "producer-perf-test", ProducerPerfCommand.table,
            """
            bootstrap-server command-config command-property help num-records payload-delimiter payload-file
            payload-monotonic print-metrics producer-props producer.config record-size reporting-interval throughput
            topic transaction-duration-ms transactional-id warmup-records
            """
        ),
        (
            "consumer-perf-test", ConsumerPerfCommand.table,
            """
            bootstrap-server command-config command-property consumer.config date-format fetch-size from-latest group
            help hide-header include messages num-records print-metrics reporting-interval show-detailed-stats
            socket-buffer-size timeout topic version
            """
        ),
        (
            "e2e-latency", EndToEndLatencyCommand.table,
            "bootstrap-server command-config help num-records producer-acks record-size topic"
        ),
    ]

    @Test("By its full name", arguments: tools)
    func known(_ tool: (name: String, table: OptionTable, options: String)) {
        let known = Set(tool.table.options.flatMap { [$0.name] + $0.oldNames })
        for option in tool.options.split(whereSeparator: \.isWhitespace).map(String.init) {
            #expect(known.contains(option), "\(tool.name) --\(option)")
        }
    }
}
