import Foundation
import Primitives
import Testing
import WireProtocol

@testable import BrokerServer

@Suite struct CompatibilityPageTests {
    /// Every handler that a node registers (`BrokerRoom.table`, `QuorumRoom.table`).
    private static let handlers: [any RequestHandler.Type] = [
        AddRaftVoterHandler.self, RemoveRaftVoterHandler.self, UpdateRaftVoterHandler.self,
        ProduceHandler.self, FetchHandler.self, ListOffsetsHandler.self, MetadataHandler.self,
        OffsetCommitHandler.self, OffsetFetchHandler.self, FindCoordinatorHandler.self, JoinGroupHandler.self,
        HeartbeatHandler.self, LeaveGroupHandler.self, SyncGroupHandler.self, DescribeGroupsHandler.self,
        ListGroupsHandler.self, ApiVersionsHandler.self, CreateTopicsHandler.self, DeleteTopicsHandler.self,
        DeleteRecordsHandler.self, DescribeLogDirsHandler.self, AlterReplicaLogDirsHandler.self,
        InitProducerIdHandler.self, OffsetForLeaderEpochHandler.self, DescribeConfigsHandler.self,
        CreatePartitionsHandler.self, DeleteGroupsHandler.self, OffsetDeleteHandler.self,
        ConsumerGroupHeartbeatHandler.self, ConsumerGroupDescribeHandler.self,
        AlterConfigsHandler.self, ListConfigResourcesHandler.self,
        IncrementalAlterConfigsHandler.self,
        DescribeQuorumHandler.self, UpdateFeaturesHandler.self, DescribeClusterHandler.self,
        UnregisterBrokerHandler.self, DescribeTopicPartitionsHandler.self, VoteHandler.self,
        BeginQuorumEpochHandler.self, EndQuorumEpochHandler.self, FetchSnapshotHandler.self,
        AlterPartitionHandler.self, EnvelopeHandler.self, BrokerRegistrationHandler.self,
        BrokerHeartbeatHandler.self, AllocateProducerIDsHandler.self, ControllerRegistrationHandler.self,
        AlterPartitionReassignmentsHandler.self, ListPartitionReassignmentsHandler.self, ElectLeadersHandler.self,
        AssignReplicasToDirsHandler.self, DescribeProducersHandler.self,
        AddPartitionsToTxnHandler.self, AddOffsetsToTxnHandler.self, EndTxnHandler.self,
        WriteTxnMarkersHandler.self, TxnOffsetCommitHandler.self, DescribeTransactionsHandler.self,
        ListTransactionsHandler.self,
    ]

    private static func row<Handler: RequestHandler>(_ handler: Handler.Type) -> String {
        let versions = handler.versions
        let range =
            versions.lowerBound == versions.upperBound
            ? "\(versions.lowerBound)" : "\(versions.lowerBound)–\(versions.upperBound)"
        let listeners: String =
            switch handler.listeners {
            case .client: "client"
            case .controller: "controller"
            default: "all"
            }
        return "\(Handler.Request.key)|\(range)|\(listeners)"
    }

    @Test("docs/compatibility.md lists the APIs, versions and listeners that the handlers answer")
    func pageIsTrue() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/compatibility.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let section = try #require(text.split(separator: "## APIs").last?.split(separator: "\n## ").first)
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let listeners = cells[3] == "client, controller" ? "all" : cells[3]
            return "\(cells[1])|\(cells[2].prefix { $0 != " " })|\(listeners)"
        }
        #expect(Set(rows) == Set(Self.handlers.map { Self.row($0) }))
        #expect(rows.count == Self.handlers.count)
    }
}
