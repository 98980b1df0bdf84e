import Metadata
import Primitives
import Quorum

/// The metadata log and its quorum as this node knows them, under the names that Kafka's raft metrics have.
struct QuorumMetrics: MetricsSource {
    let host: QuorumHost
    let cache: MetadataCache

    func report(into page: inout MetricsPage) {
        let applied = cache.current.provenance
        page.gauge(
            "kafka_server_brokermetadatametrics_last_applied_record_offset",
            "Offset of the last metadata record that this node applied.", applied.end.value - 1)
        guard let replica = host.replica else { return }
        let state = replica.isVoter ? replica.role.name.lowercased() : "observer"
        page.gauge(
            "kafka_server_raftmetrics_current_state", "What this node is in the metadata quorum: 1 for its state.", 1,
            [("current_state", state)])
        page.gauge(
            "kafka_server_raftmetrics_current_leader", "Id of the quorum's leader, -1 where none is known.",
            replica.leaderID?.value ?? -1)
        page.gauge(
            "kafka_server_raftmetrics_current_vote", "Id of the voter that got this node's vote, -1 for none.",
            replica.election.votedFor?.id.value ?? -1)
        page.gauge(
            "kafka_server_raftmetrics_current_epoch", "Epoch of the quorum.", replica.election.epoch.value)
        page.gauge(
            "kafka_server_raftmetrics_high_watermark", "Exclusive end of the committed metadata, -1 while unknown.",
            replica.highWatermark?.value ?? -1)
        page.gauge(
            "kafka_server_raftmetrics_log_end_offset", "Exclusive end of this node's metadata log.",
            replica.log.end.value)
        page.gauge(
            "kafka_server_raftmetrics_number_of_voters", "Voters of the metadata quorum, as this node knows them.",
            replica.voters.members.count)
        reportReplicas(into: &page)
    }

    /// Only the leader knows how far the others are.
    private func reportReplicas(into page: inout MetricsPage) {
        guard let description = host.describe() else { return }
        let end = host.logEndOffset
        let all = description.voters.map { ($0, "voter") } + description.observers.map { ($0, "observer") }
        for (replica, role) in all {
            let lag = replica.logEnd.map { end.value - $0.value } ?? -1
            page.gauge(
                "martlet_quorum_replica_lag_records",
                "Metadata records that a replica lacks, as the leader knows it; -1 before its first fetch.", lag,
                [("replica", "\(replica.key.id)"), ("role", role)])
        }
    }
}
