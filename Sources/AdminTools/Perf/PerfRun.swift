import ClientCore
import MartletClient
import Primitives
import World

/// Runs loads side by side, one for each partition, and tells what they cost.
struct PerfRun {
    let cluster: ClusterClient
    let topic: PerfTopic

    /// What a run took.
    struct Outcome: Sendable {
        var report = LaneReport()
        var seconds = 0.0
        /// CPU time of the brokers; nil where their processes are not known.
        var brokerSeconds: Double?
        var clientSeconds = 0.0
    }

    /// Connects a lane to the leader of each place and waits for all of them.
    func run<Load: LaneLoad>(
        lanes: [(load: Load, leader: Endpoint)], inFlight: Int
    ) async throws -> Outcome {
        let runtime = cluster.runtime
        return try await measured { group in
            for lane in lanes {
                group.addTask { try await Lane.run(lane.load, inFlight: inFlight, to: lane.leader, runtime) }
            }
        }
    }

    /// Waits for all tasks that `begin` adds, and tells what they did and cost together.
    func measured(
        _ begin: (inout ThrowingTaskGroup<LaneReport, any Error>) async throws -> Void
    ) async throws -> Outcome {
        let usage = topic.usage
        let (start, brokers, own) = (
            cluster.runtime.clock.now, usage.processorSeconds, ProcessUsage.ownProcessorSeconds
        )
        let reports = try await withThrowingTaskGroup(of: LaneReport.self) { group in
            try await begin(&group)
            var reports: [LaneReport] = []
            for try await report in group { reports.append(report) }
            return reports
        }
        var outcome = Outcome()
        outcome.seconds = Double(cluster.runtime.clock.now.value - start.value) / 1e9
        if let brokers, let after = usage.processorSeconds, !usage.processIDs.isEmpty {
            outcome.brokerSeconds = after - brokers
        }
        outcome.clientSeconds = ProcessUsage.ownProcessorSeconds - own
        for report in reports {
            outcome.report.bytes += report.bytes
            outcome.report.requests += report.requests
            outcome.report.latencies += report.latencies
        }
        return outcome
    }

    /// The line of a run.
    func line(_ name: String, _ outcome: Outcome) -> String {
        let gigabytes = Double(outcome.report.bytes) / 1e9
        var line = PerfLine(run: name)
        line.text("topic", topic.name)
        line.integer("bytes", Int64(outcome.report.bytes))
        line.integer("requests", Int64(outcome.report.requests))
        line.number("seconds", outcome.seconds)
        line.number("megabytes_per_second", gigabytes * 1e3 / outcome.seconds)
        line.number("requests_per_second", Double(outcome.report.requests) / outcome.seconds)
        line.number("broker_cpu_seconds_per_gb", outcome.brokerSeconds.map { $0 / gigabytes })
        line.number("client_cpu_seconds_per_gb", outcome.clientSeconds / gigabytes)
        line.integers("broker_rss_mib", topic.usage.residentMebibytes)
        line.latencies(Percentiles(outcome.report.latencies))
        return line.line
    }
}
