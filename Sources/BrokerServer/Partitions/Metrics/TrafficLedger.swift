import Primitives
import Synchronization

/// The traffic of all topics of a broker. What a deleted topic counted stays in the sum, which therefore never falls.
package final class TrafficLedger: MetricsSource {
    /// Topics that get series of their own.
    static let topicsMax = 1_000

    private struct State {
        var topics: [String: TopicTraffic] = [:]
        var gone = TrafficCounts()
    }

    private let state = Mutex(State())
    let isrShrinks = Atomic<UInt64>(0)
    let isrExpands = Atomic<UInt64>(0)
    let failedISRUpdates = Atomic<UInt64>(0)
    let flushes = LatencyHistogram()
    /// Waits of flush groups (ADR 13); groups that did not wait are not counted.
    let groupWaits = LatencyHistogram()

    package init() {}

    /// The counters that all partitions of a topic share.
    func topic(_ name: String) -> TopicTraffic {
        state.withLock { state in
            if let known = state.topics[name] { return known }
            let made = TopicTraffic()
            state.topics[name] = made
            return made
        }
    }

    /// No partition of the topic is here any more.
    func forget(_ name: String) {
        state.withLock { state in
            if let traffic = state.topics.removeValue(forKey: name) { state.gone.add(traffic.counts) }
        }
    }

    /// An in-sync set of a partition that this broker leads went from `old` to `new` members.
    func inSyncChanged(from old: [BrokerID], to new: [BrokerID]) {
        if old.contains(where: { !new.contains($0) }) { isrShrinks.wrappingAdd(1, ordering: .relaxed) }
        if new.contains(where: { !old.contains($0) }) { isrExpands.wrappingAdd(1, ordering: .relaxed) }
    }

    package func report(into page: inout MetricsPage) {
        let (topics, gone) = state.withLock { state in (state.topics.mapValues(\.counts), state.gone) }
        var all = gone
        for counts in topics.values { all.add(counts) }
        TrafficLedger.report(all, [], into: &page)
        for (name, counts) in topics.sorted(by: { $0.key < $1.key }).prefix(TrafficLedger.topicsMax) {
            TrafficLedger.report(counts, [("topic", name)], into: &page)
        }
        let prefix = "kafka_server_replicamanager_"
        page.counter(
            prefix + "isrshrinks_total", "In-sync sets led here that lost a replica.",
            isrShrinks.load(ordering: .relaxed))
        page.counter(
            prefix + "isrexpands_total", "In-sync sets led here that got a replica.",
            isrExpands.load(ordering: .relaxed))
        page.counter(
            prefix + "failedisrupdates_total", "Changes of in-sync sets that the controller refused.",
            failedISRUpdates.load(ordering: .relaxed))
        let flushed = flushes.counts
        page.histogram("martlet_log_flush_duration_seconds", "How long flushes to the disk took.", flushed)
        page.histogram(
            "martlet_flush_group_wait_seconds",
            "How long leaders held batches back to have them flushed together: readers see them later by as much.",
            groupWaits.counts)
        page.counter(
            "kafka_log_logflushstats_logflushrateandtimems_count", "Flushes of partition logs.", flushed.count)
    }

    private static func report(_ counts: TrafficCounts, _ labels: [MetricsPage.Label], into page: inout MetricsPage) {
        func add(_ name: String, _ help: String, _ value: UInt64) {
            page.counter("kafka_server_brokertopicmetrics_\(name)_total", help, value, labels)
        }
        let both = " Without a topic: of all."
        add("messagesin", "Records that producers wrote." + both, counts.messagesIn)
        add("bytesin", "Bytes that producers wrote." + both, counts.bytesIn)
        add("bytesout", "Bytes that consumers got." + both, counts.bytesOut)
        add("bytesrejected", "Bytes of batches that were refused." + both, counts.bytesRejected)
        add("replicationbytesin", "Bytes that were fetched from leaders." + both, counts.replicationBytesIn)
        add("replicationbytesout", "Bytes that followers got." + both, counts.replicationBytesOut)
        add("totalproducerequests", "Batches that were to be written." + both, counts.produces)
        add("failedproducerequests", "Batches that were refused." + both, counts.failedProduces)
        add("totalfetchrequests", "Reads of consumers, for each partition." + both, counts.fetches)
        add("failedfetchrequests", "Reads of consumers that were refused." + both, counts.failedFetches)
    }
}
