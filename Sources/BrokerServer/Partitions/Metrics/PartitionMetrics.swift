import Metadata
import Primitives
import Synchronization
import World

/// The partitions of this broker and its log directories.
struct PartitionMetrics: MetricsSource {
    /// Partitions that get series of their own.
    static let partitionsMax = 2_000

    let table: PartitionTable
    let files: any FileStore

    private struct Sums {
        var partitions = 0
        var leaders = 0
        var offline = 0
        var damaged = 0
        var underReplicated = 0
        var underMin = 0
        var atMin = 0
        var producers = 0
        var parkedProduces = 0
        var parkedFetches = 0
        /// The worst lag of each follower.
        var lags: [BrokerID: Int64] = [:]

        mutating func add(_ figures: PartitionFigures) {
            partitions += 1
            if figures.isOffline { offline += 1 }
            if figures.isDamaged { damaged += 1 }
            producers += figures.log?.producers ?? 0
            parkedProduces += figures.parkedProduces
            parkedFetches += figures.parkedFetches
            guard let leading = figures.leading else { return }
            leaders += 1
            if leading.inSync < leading.replicas { underReplicated += 1 }
            if leading.inSync < leading.minInSync { underMin += 1 }
            if leading.inSync == leading.minInSync { atMin += 1 }
            for (follower, lag) in leading.lags { lags[follower] = max(lags[follower] ?? 0, lag ?? 0) }
        }
    }

    func report(into page: inout MetricsPage) {
        var sums = Sums()
        var perPartition = 0
        var sizes: [String: Int64] = [:]
        for partition in table.all {
            let figures = partition.figures
            sums.add(figures)
            guard let log = figures.log else { continue }
            sizes[partition.logDirectory, default: 0] += log.sizeBytes
            perPartition += 1
            guard perPartition <= PartitionMetrics.partitionsMax else { continue }
            report(log, of: partition, into: &page)
        }
        report(sums, into: &page)
        reportThrottles(into: &page)
        reportMoves(into: &page)
        reportDirectories(sizes, into: &page)
    }

    private func report(_ log: PartitionFigures.Log, of partition: Partition, into page: inout MetricsPage) {
        let labels: [MetricsPage.Label] = [("topic", partition.topicName), ("partition", "\(partition.id.index)")]
        page.gauge("kafka_log_log_size", "Bytes of a partition's log.", log.sizeBytes, labels)
        page.gauge("kafka_log_log_logstartoffset", "First offset of a partition.", log.start.value, labels)
        page.gauge("kafka_log_log_logendoffset", "Exclusive last offset of a partition.", log.end.value, labels)
        page.gauge("kafka_log_log_numlogsegments", "Segments of a partition's log.", log.segments, labels)
    }

    private func report(_ sums: Sums, into page: inout MetricsPage) {
        let prefix = "kafka_server_replicamanager_"
        page.gauge(prefix + "partitioncount", "Replicas on this broker.", sums.partitions)
        page.gauge(prefix + "leadercount", "Partitions that this broker leads.", sums.leaders)
        page.gauge(
            prefix + "offlinereplicacount",
            "Replicas here that can't be used: their disk failed or their log is "
                + "damaged.", sums.offline)
        page.gauge(
            "martlet_damaged_replicas",
            "Replicas here whose log is damaged and that wait to be made anew from another.", sums.damaged)
        page.gauge(
            prefix + "underreplicatedpartitions", "Partitions led here with a replica out of sync.",
            sums.underReplicated)
        page.gauge(
            prefix + "underminisrpartitioncount",
            "Partitions led here with fewer in-sync replicas than min.insync.replicas: acks=all is refused.",
            sums.underMin)
        page.gauge(
            prefix + "atminisrpartitioncount", "Partitions led here that can't lose one more in-sync replica.",
            sums.atMin)
        page.gauge(prefix + "produceridcount", "Producers that are remembered.", sums.producers)
        let purgatory = "kafka_server_delayedoperationpurgatory_purgatorysize"
        let help = "Requests that wait, counted at each of their partitions."
        page.gauge(purgatory, help, sums.parkedProduces, [("delayedOperation", "Produce")])
        page.gauge(purgatory, help, sums.parkedFetches, [("delayedOperation", "Fetch")])
        for (follower, lag) in sums.lags.sorted(by: { $0.key < $1.key }) {
            page.gauge(
                "martlet_follower_lag_records_max", "Records that a follower lacks, in its worst partition led here.",
                lag, [("follower", "\(follower)")])
        }
    }

    private func reportThrottles(into page: inout MetricsPage) {
        let throttles = table.services.throttles
        for (role, throttle) in [("follower", throttles.followers), ("leader", throttles.leaders)] {
            page.counter(
                "martlet_replication_throttled_bytes_total", "Bytes that counted for a replication throttle.",
                throttle.totalBytes, [("role", role)])
        }
    }

    private func reportMoves(into page: inout MetricsPage) {
        let (moves, totals) = (table.moves.all, table.moves.totals)
        let lags = moves.map { move in
            let end = move.partition.position?.logEnd ?? .zero
            return max(end - move.figures.endOffset, 0)
        }
        page.gauge("martlet_replica_moves", "Replicas on their way to another log directory.", moves.count)
        page.gauge(
            "martlet_replica_move_lag_records_max", "Records that the copy lacks which is furthest behind.",
            lags.max() ?? 0)
        page.counter(
            "martlet_replica_move_bytes_total", "Bytes that were copied to other log directories.", totals.bytes)
        let help = "Moves to other log directories that have ended, by how."
        for (result, count) in [
            ("arrived", totals.finished), ("called_off", totals.calledOff), ("failed", totals.failed),
        ] {
            page.counter("martlet_replica_moves_ended_total", help, count, [("result", result)])
        }
    }

    private func reportDirectories(_ sizes: [String: Int64], into page: inout MetricsPage) {
        let online = table.directories.online.map(\.path)
        let offline = table.directories.offlinePaths
        page.gauge(
            "kafka_log_logmanager_offlinelogdirectorycount", "Log directories that failed.", offline.count)
        for path in (online + offline).sorted() {
            let labels: [MetricsPage.Label] = [("logDirectory", path)]
            page.gauge(
                "kafka_log_logmanager_logdirectoryoffline", "1 for a log directory that failed.",
                offline.contains(path) ? 1 : 0, labels)
            page.gauge(
                "martlet_log_directory_used_bytes", "Bytes of the partition logs in a directory.", sizes[path] ?? 0,
                labels)
            let disk = table.services.disks[path]
            page.gauge(
                "martlet_log_directory_slow", "1 while writes to a directory are slow and done by its own threads.",
                disk.isSlow ? 1 : 0, labels)
            page.counter(
                "martlet_log_directory_slow_writes_total",
                "Writes to a directory that took \(WritePace.slowMilliseconds) ms or longer.",
                disk.slowWrites.load(ordering: .relaxed), labels)
            page.counter(
                "martlet_log_directory_handed_over_total", "Writes that were left to a directory's own threads.",
                disk.handedOver.load(ordering: .relaxed), labels)
            guard let free = try? files.freeBytes(path) else { continue }
            page.gauge("martlet_log_directory_free_bytes", "Bytes free on a directory's disk.", free, labels)
        }
    }
}
