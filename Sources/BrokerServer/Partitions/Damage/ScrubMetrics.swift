import Primitives

/// What the scrubber reports.
struct ScrubMetrics: MetricsSource {
    let scrubber: LogScrubber

    func report(into page: inout MetricsPage) {
        let figures = scrubber.figures
        page.counter("martlet_scrub_passes_total", "Times that all logs were read again.", figures.passes)
        page.counter("martlet_scrub_bytes_total", "Bytes of logs that were read again.", figures.bytes)
        page.counter("martlet_scrub_damaged_logs_total", "Logs that were found damaged by that.", figures.damagedLogs)
    }
}
