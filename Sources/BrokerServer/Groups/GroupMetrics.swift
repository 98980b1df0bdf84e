import Coordinators
import Primitives

/// The groups that this broker coordinates, and how far each is behind.
struct GroupMetrics: MetricsSource {
    /// Partitions of groups that get series of their own.
    static let lagsMax = 2_000

    let host: GroupCoordinatorHost
    let partitions: PartitionTable

    private struct Lag {
        let group: String
        let topic: String
        let partition: PartitionIndex
        let committed: Offset
    }

    func report(into page: inout MetricsPage) {
        var states: [String: Int] = [:]
        var (members, offsets) = (0, 0)
        var lags: [Lag] = []
        // The images are taken under the shards' locks, and read after.
        for (figures, image) in host.readLed({ ($0.figures, $0.committedImage) }) {
            states.merge(figures.groupsByState) { $0 + $1 }
            members += figures.members
            for id in image.ids {
                for (partition, offset) in image[id]?.sortedOffsets ?? [] {
                    offsets += 1
                    lags.append(
                        Lag(group: id, topic: partition.topic, partition: partition.index, committed: offset.offset))
                }
            }
        }
        let prefix = "kafka_coordinator_group_groupmetadatamanager_"
        page.gauge(prefix + "numgroups", "Groups that this broker coordinates.", states.values.reduce(0, +))
        page.gauge(prefix + "numoffsets", "Offsets that these groups have committed.", offsets)
        page.gauge("martlet_group_members", "Members of these groups.", members)
        let names = [
            "Empty", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling", "Stable", "Dead",
        ]
        for state in names {
            page.gauge(
                prefix + "numgroups" + state.lowercased(), "Groups in the state \(state).", states[state] ?? 0)
        }
        let shown = lags.sorted { ($0.group, $0.topic, $0.partition) < ($1.group, $1.topic, $1.partition) }
        for lag in shown.prefix(GroupMetrics.lagsMax) { report(lag, into: &page) }
        page.gauge(
            "martlet_group_series_left_out", "Partitions of groups beyond those that are listed.",
            max(0, lags.count - GroupMetrics.lagsMax))
    }

    private func report(_ lag: Lag, into page: inout MetricsPage) {
        let labels: [MetricsPage.Label] = [
            ("group", lag.group), ("topic", lag.topic), ("partition", "\(lag.partition)"),
        ]
        page.gauge(
            "martlet_group_committed_offset", "What a group has committed for a partition.", lag.committed.value,
            labels)
        // Only where a replica of the partition is here: another broker's watermark is not known.
        guard let position = partitions.partition(lag.topic, lag.partition)?.position else { return }
        page.gauge(
            "martlet_group_lag_records", "Records that a group has not consumed, by its committed offset.",
            max(0, position.highWatermark.value - lag.committed.value), labels)
    }
}
