import Metadata
import Primitives

/// The whole cluster as its metadata tells it; every controller says the same once it has caught up.
struct ClusterMetrics: MetricsSource {
    let cache: MetadataCache
    let changes: StateChangeLog

    private struct Figures {
        var partitions = 0
        var offline = 0
        var notPreferred = 0
        var underReplicated = 0
        var reassigning = 0
    }

    func report(into page: inout MetricsPage) {
        let image = cache.current
        let brokers = image.brokers.sorted
        let prefix = "kafka_controller_kafkacontroller_"
        page.gauge(
            prefix + "activebrokercount", "Brokers that are let in.", brokers.filter { !$0.isFenced }.count)
        page.gauge(prefix + "fencedbrokercount", "Brokers that are fenced.", brokers.filter(\.isFenced).count)
        page.gauge(
            "martlet_controller_shutting_down_brokers", "Brokers that hand their leaderships over to stop.",
            brokers.filter { $0.isInControlledShutdown && !$0.isFenced }.count)
        page.gauge(prefix + "globaltopiccount", "Topics of the cluster.", image.topics.count)
        let figures = ClusterMetrics.figures(image)
        page.gauge(prefix + "globalpartitioncount", "Partitions of the cluster.", figures.partitions)
        page.gauge(prefix + "offlinepartitionscount", "Partitions without a leader.", figures.offline)
        page.gauge(
            prefix + "preferredreplicaimbalancecount", "Partitions that their first replica does not lead.",
            figures.notPreferred)
        page.gauge(
            "martlet_controller_under_replicated_partitions", "Partitions with fewer in-sync replicas than replicas.",
            figures.underReplicated)
        page.gauge(
            "martlet_controller_reassigning_partitions", "Partitions whose replicas are being moved.",
            figures.reassigning)
        page.gauge(
            prefix + "lastappliedrecordoffset", "Offset of the last metadata record that was applied.",
            image.provenance.end.value - 1)
        changes.report(into: &page)
    }

    private static func figures(_ image: MetadataImage) -> Figures {
        var figures = Figures()
        for topic in image.topics.sortedByID {
            for partition in topic.partitions {
                figures.partitions += 1
                if partition.leader == nil { figures.offline += 1 }
                if partition.leader != partition.replicas.first { figures.notPreferred += 1 }
                if partition.isReassigning { figures.reassigning += 1 }
                let wanted = partition.replicas.filter { !partition.addingReplicas.contains($0) }
                if wanted.contains(where: { !partition.isr.contains($0) }) { figures.underReplicated += 1 }
            }
        }
        return figures
    }
}

extension PartitionRegistration {
    /// Whether its replicas are being moved.
    var isReassigning: Bool { !addingReplicas.isEmpty || !removingReplicas.isEmpty }
}
