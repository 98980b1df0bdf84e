import Primitives

/// Which log directories take no records because their disks are full.
struct SpaceMetrics: MetricsSource {
    let watch: DiskSpaceWatch
    let table: PartitionTable

    func report(into page: inout MetricsPage) {
        let full = watch.fullDirectories
        for path in table.directories.online.map(\.path).sorted() {
            page.gauge(
                "martlet_log_directory_full",
                "1 for a log directory whose disk has no more space than is reserved: it takes no records.",
                full.contains(path) ? 1 : 0, [("logDirectory", path)])
        }
    }
}
