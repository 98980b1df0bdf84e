/// Keys of compaction.
extension SettingTable {
    static let cleaner: [Setting] = [
        Setting("log.cleaner.enable", .boolean, "true", "Whether topics with compaction are compacted."),
        Setting("log.cleaner.threads", positive, "1", "Logs that are compacted at a time.", .clusterWide),
        Setting(
            "log.cleaner.dedupe.buffer.size", positive, "134217728",
            "Memory of all maps of keys; one takes no more than its log has records.", .clusterWide),
        Setting(
            "log.cleaner.io.buffer.size", positive, "524288", "Memory of all read and write buffers.", .clusterWide),
        Setting(
            "log.cleaner.io.buffer.load.factor", .double(0.01...1), "0.9", "How full a map of keys may be.",
            .clusterWide),
        Setting(
            "log.cleaner.io.max.bytes.per.second", .double(0...(.greatestFiniteMagnitude)), "1.7976931348623157E308",
            "What all compactions may read and write in a second.", .clusterWide),
        Setting(
            "log.cleaner.backoff.ms", notNegative, "15000", "The pause between two looks for dirty logs.",
            .clusterWide),
        Setting(
            "log.cleaner.min.cleanable.ratio", .double(0...1), "0.5",
            "The part of a log that must be uncompacted before it is compacted.", .clusterWide),
        Setting(
            "log.cleaner.delete.retention.ms", notNegative, "86400000",
            "How long tombstones stay after the compaction that meets them first.", .clusterWide),
        Setting(
            "log.cleaner.min.compaction.lag.ms", notNegative, "0", "The least time a record stays uncompacted.",
            .clusterWide),
        Setting(
            "log.cleaner.max.compaction.lag.ms", wholeMilliseconds, forever,
            "The longest time a record stays uncompacted.", .clusterWide),
    ]
}
