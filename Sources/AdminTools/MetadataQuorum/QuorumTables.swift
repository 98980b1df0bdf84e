package import WireMessages
import Primitives

/// What `metadata-quorum describe` prints.
package enum QuorumTables {
    private typealias Replica = DescribeQuorumResponse.ReplicaState
    private static let metadataTopicLabelWidth = 24

    /// `--status`.
    package static func status(
        clusterID: String, _ quorum: DescribeQuorumResponse.PartitionData, nodes: [DescribeQuorumResponse.Node]
    ) -> [String] {
        let leader = quorum.currentVoters.first { $0.replicaID == quorum.leaderID }
        let ends = quorum.currentVoters.map(\.logEndOffset.value).filter { $0 >= 0 }
        let lag = leader.flatMap { leader in ends.min().map { max(0, leader.logEndOffset.value - $0) } } ?? 0
        let others = (quorum.currentVoters + quorum.observers).filter { $0.replicaID != quorum.leaderID }
        let times = others.map(\.lastCaughtUpTimestamp)
        var lagTime: Int64 = -1
        if let leaderTime = leader?.lastCaughtUpTimestamp, leaderTime > 0, let least = times.min(), least > 0 {
            lagTime = max(0, leaderTime - least)
        }
        let voters = quorum.currentVoters.map { member($0, nodes: nodes, showsEndpoints: true) }
        let observers = quorum.observers.map { member($0, nodes: nodes, showsEndpoints: false) }
        let rows = [
            ("ClusterId:", clusterID), ("LeaderId:", "\(quorum.leaderID)"), ("LeaderEpoch:", "\(quorum.leaderEpoch)"),
            ("HighWatermark:", "\(quorum.highWatermark)"), ("MaxFollowerLag:", "\(lag)"),
            ("MaxFollowerLagTimeMs:", "\(lagTime)"), ("CurrentVoters:", "[\(voters.joined(separator: ", "))]"),
            ("CurrentObservers:", "[\(observers.joined(separator: ", "))]"),
        ]
        return rows.map { PaddedTable.padded($0.0, metadataTopicLabelWidth) + $0.1 }
    }

    private static func member(
        _ replica: DescribeQuorumResponse.ReplicaState, nodes: [DescribeQuorumResponse.Node], showsEndpoints: Bool
    ) -> String {
        var text = "{\"id\": \(replica.replicaID)"
        if replica.replicaDirectoryID != .zero { text += ", \"directoryId\": \"\(replica.replicaDirectoryID)\"" }
        if showsEndpoints {
            let listeners = nodes.first { $0.nodeID == replica.replicaID }?.listeners ?? []
            let endpoints = listeners.map { "\"\($0.name)://\($0.host):\($0.port)\"" }
            text += ", \"endpoints\": [\(endpoints.joined(separator: ", "))]"
        }
        return text + "}"
    }

    /// `--status` as a document, with numbers as numbers.
    static func statusJSON(
        clusterID: String, _ quorum: DescribeQuorumResponse.PartitionData, nodes: [DescribeQuorumResponse.Node]
    ) -> JSONValue {
        func members(_ replicas: [Replica], showsEndpoints: Bool) -> JSONValue {
            .array(
                replicas.map { replica in
                    let listeners = nodes.first { $0.nodeID == replica.replicaID }?.listeners ?? []
                    let isKnown = replica.replicaDirectoryID != .zero
                    return [
                        "id": .integer(Int64(replica.replicaID.value)),
                        "directoryId": .text(orNull: isKnown ? replica.replicaDirectoryID.description : nil),
                        "endpoints": .array(
                            showsEndpoints ? listeners.map { .text("\($0.name)://\($0.host):\($0.port)") } : []),
                        "logEndOffset": .integer(replica.logEndOffset.value),
                    ]
                })
        }
        return [
            "clusterId": .text(clusterID), "leaderId": .integer(Int64(quorum.leaderID.value)),
            "leaderEpoch": .integer(Int64(quorum.leaderEpoch.value)), "highWatermark": .integer(quorum.highWatermark),
            "currentVoters": members(quorum.currentVoters, showsEndpoints: true),
            "currentObservers": members(quorum.observers, showsEndpoints: false),
        ]
    }

    /// `--replication`; with a time of day, times are shown as ages.
    package static func replication(
        _ quorum: DescribeQuorumResponse.PartitionData, agesAtMilliseconds now: Int64?
    ) -> TabbedTable {
        var table = TabbedTable([
            "NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status",
        ])
        let leaders = quorum.currentVoters.filter { $0.replicaID == quorum.leaderID }
        let followers = quorum.currentVoters.filter { $0.replicaID != quorum.leaderID }
        let end = leaders.first?.logEndOffset.value ?? 0
        let groups = [(leaders, "Leader"), (followers, "Follower"), (quorum.observers, "Observer")]
        for (replicas, status) in groups {
            for replica in replicas {
                table.append(cells: [
                    .integer(Int64(replica.replicaID.value)), .text("\(replica.replicaDirectoryID)"),
                    .integer(replica.logEndOffset.value), .integer(max(0, end - replica.logEndOffset.value)),
                    time(replica.lastFetchTimestamp, now), time(replica.lastCaughtUpTimestamp, now), .text(status),
                ])
            }
        }
        return table
    }

    private static func time(_ timestamp: Int64, _ now: Int64?) -> JSONValue {
        guard let now, timestamp >= 0 else { return .integer(timestamp) }
        return .text("\(max(0, now - timestamp)) ms ago")
    }
}
