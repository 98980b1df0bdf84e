import Primitives
import World

/// What the cleaner reports, under the names of Kafka's JMX beans.
struct CleanerMetrics: MetricsSource {
    let cleaner: LogCleaner
    let clock: any Clock

    func report(into page: inout MetricsPage) {
        let status = cleaner.status
        let last = status.figures.last ?? CleanerFigures.Run()
        let cleaner = "kafka_log_logcleaner_"
        page.gauge(
            cleaner + "max_clean_time_secs", "Seconds that the last compaction took.",
            real: Double(last.milliseconds) / 1_000)
        page.gauge(
            cleaner + "cleaner_recopy_percent", "Bytes that the last compaction wrote, of those it read.",
            real: last.recopyPercent)
        page.gauge(
            cleaner + "max_buffer_utilization_percent", "How full the last map of keys was.",
            real: 100 * last.mapUtilization)
        page.gauge(
            cleaner + "max_compaction_delay_secs",
            "Seconds that the last compacted log was overdue by max.compaction.lag.ms.",
            real: Double(last.delayMilliseconds) / 1_000)
        page.gauge(cleaner + "deadthreadcount", "Cleaners that ended early: none can here.", 0)
        page.counter("martlet_compaction_runs_total", "Compactions that ended well.", status.figures.runs)
        page.counter("martlet_compaction_failed_total", "Compactions that did not.", status.figures.failedRuns)
        page.counter(
            "martlet_compaction_read_bytes_total", "Bytes of logs that compaction read.", status.figures.bytesRead)
        page.counter(
            "martlet_compaction_written_bytes_total", "Bytes that compaction wrote.", status.figures.bytesWritten)
        page.counter(
            "martlet_compaction_removed_records_total", "Records that compaction removed.",
            status.figures.recordsRemoved)
        page.counter(
            "martlet_compaction_keyless_records_total", "Of these, records without a key.",
            status.figures.keylessRecords)
        report(status, into: &page)
    }

    private func report(_ status: LogCleaner.Status, into page: inout MetricsPage) {
        let manager = "kafka_log_logcleanermanager_"
        page.gauge(
            manager + "max_dirty_percent", "The dirty part of the log that was dirtiest at the last look.",
            real: 100 * status.figures.dirtyRatioMax)
        page.gauge(
            manager + "time_since_last_run_ms", "Milliseconds since the last look for dirty logs.",
            status.lastLook.map { clock.now.milliseconds(since: $0) } ?? 0)
        for directory in status.uncleanable.keys.sorted() {
            let label: [MetricsPage.Label] = [("logDirectory", directory)]
            let (count, bytes) = status.uncleanable[directory] ?? (0, 0)
            page.gauge(
                manager + "uncleanable_partitions_count", "Logs that can't be compacted; the log says why.", count,
                label)
            page.gauge(manager + "uncleanable_bytes", "Their bytes that could be compacted.", bytes, label)
        }
    }
}
