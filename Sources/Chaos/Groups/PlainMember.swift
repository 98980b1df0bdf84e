import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol
import World

/// A member of a group that keeps to what it was told once: it joins, shows that it lives, and commits with the
/// generation or epoch of then, whatever has become of the group.
actor PlainMember {
    private static let rebalanceMilliseconds: Int32 = 10_000
    private static let joinMillisecondsMax: Int64 = 60_000

    private let kind: GroupKind
    private let group: String
    private let topic: String
    private let sessionMilliseconds: Int32
    private let cluster: ClusterClient
    private let admin: Admin
    private var memberID = ""
    /// The generation of the group, or the epoch of the member.
    private var epoch: Int32 = 0

    init(
        _ kind: GroupKind, group: String, topic: String, sessionMilliseconds: Int32,
        _ configuration: ClientConfiguration
    ) throws(ClientError) {
        self.kind = kind
        self.group = group
        self.topic = topic
        self.sessionMilliseconds = sessionMilliseconds
        cluster = try ClusterClient(configuration)
        admin = Admin(cluster)
    }

    nonisolated func close() { cluster.close() }

    /// Joins, and returns when the first partition of the topic is this member's.
    func join() async throws {
        try await cluster.refresh(topics: [topic])
        let end = cluster.runtime.clock.now.advanced(byMilliseconds: PlainMember.joinMillisecondsMax)
        while cluster.runtime.clock.now < end {
            let isDone =
                switch kind {
                case .classic: try await joinClassic()
                case .consumer: try await joinConsumer()
                }
            if isDone { return }
            await cluster.runtime.sleep(milliseconds: 100)
        }
        throw ChaosError("the member is given nothing")
    }

    private func joinClassic() async throws(ClientError) -> Bool {
        var offer = JoinGroupRequest.JoinGroupRequestProtocol()
        offer.name = RangeAssignor.name
        offer.metadata = ConsumerProtocol.subscription([topic], owned: [])
        var request = JoinGroupRequest()
        request.groupID = group
        request.sessionTimeoutMilliseconds = sessionMilliseconds
        request.rebalanceTimeoutMilliseconds = PlainMember.rebalanceMilliseconds
        request.memberID = memberID
        request.protocolType = ConsumerProtocol.type
        request.protocols = [offer]
        let joined = try await cluster.send(request, to: .broker(try await admin.coordinator(of: group)))
        memberID = joined.memberID
        guard joined.errorCode == .noError, joined.leader == joined.memberID else { return false }
        epoch = joined.generationID
        var share = SyncGroupRequest.SyncGroupRequestAssignment()
        share.memberID = memberID
        let count = cluster.view.topics[topic]?.partitions.count ?? 0
        share.assignment = ConsumerProtocol.assignment(
            (0..<Int32(count)).map { TopicPartition(topic, PartitionIndex($0)) })
        var sync = SyncGroupRequest()
        sync.groupID = group
        sync.generationID = epoch
        sync.memberID = memberID
        sync.protocolType = ConsumerProtocol.type
        sync.protocolName = RangeAssignor.name
        sync.assignments = [share]
        let synced = try await cluster.send(sync, to: .broker(try await admin.coordinator(of: group)))
        return synced.errorCode == .noError
    }

    private func joinConsumer() async throws(ClientError) -> Bool {
        if memberID.isEmpty {
            var generator = cluster.runtime.generator()
            memberID = UUID128.random(using: &generator).description
        }
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = group
        request.memberID = memberID
        request.memberEpoch = epoch
        request.rebalanceTimeoutMilliseconds = PlainMember.rebalanceMilliseconds
        request.subscribedTopicNames = [topic]
        request.topicPartitions = []
        let response = try await cluster.send(request, to: .broker(try await admin.coordinator(of: group)))
        guard response.errorCode == .noError else { return false }
        epoch = response.memberEpoch
        guard let given = response.assignment else { return false }
        return given.topicPartitions.contains { $0.partitions.contains(PartitionIndex(0)) }
    }

    /// Says that it lives; what it is told is left unheard.
    func heartbeat() async {
        guard let coordinator = try? await admin.coordinator(of: group) else { return }
        switch kind {
        case .classic:
            var request = HeartbeatRequest()
            request.groupID = group
            request.generationID = epoch
            request.memberID = memberID
            _ = try? await cluster.send(request, to: .broker(coordinator))
        case .consumer:
            var request = ConsumerGroupHeartbeatRequest()
            request.groupID = group
            request.memberID = memberID
            request.memberEpoch = epoch
            _ = try? await cluster.send(request, to: .broker(coordinator))
        }
    }

    /// Says that it leaves, as a client does whose application does not poll.
    func leave() async throws(ClientError) {
        let coordinator = try await admin.coordinator(of: group)
        switch kind {
        case .classic:
            var gone = LeaveGroupRequest.MemberIdentity()
            gone.memberID = memberID
            var request = LeaveGroupRequest()
            request.groupID = group
            request.members = [gone]
            _ = try await cluster.send(request, to: .broker(coordinator))
        case .consumer:
            var request = ConsumerGroupHeartbeatRequest()
            request.groupID = group
            request.memberID = memberID
            request.memberEpoch = -1
            _ = try await cluster.send(request, to: .broker(coordinator))
        }
    }

    /// Commits a position in the first partition, and says what is answered.
    func commit(_ position: Offset) async throws(ClientError) -> ErrorCode {
        let place = TopicPartition(topic, PartitionIndex(0))
        let request = CommittedOffsets.commit(
            group: group, memberID: memberID, generation: epoch, instanceID: nil,
            [place: CommittedOffsets.Position(offset: position, leaderEpoch: nil)])
        let response = try await cluster.send(
            request, to: .broker(try await admin.coordinator(of: group)), upTo: CommittedOffsets.versionMax)
        return CommittedOffsets.error(response)
    }
}
