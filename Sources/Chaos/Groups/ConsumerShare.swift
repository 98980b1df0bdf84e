import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// A member by the protocol of KIP-848: one request, in which it says what it owns and hears what it should own.
struct ConsumerShare: GroupShare {
    private static let rebalanceMilliseconds: Int32 = 10_000
    private static let leaving: Int32 = -1

    private let group: String
    private let topic: String
    private let cluster: ClusterClient
    private let admin: Admin
    private let memberID: String
    var coordinator: BrokerID?
    private var epoch: Int32 = 0
    private var owned: Set<Int32> = []
    private var nextHeartbeat: MonotonicInstant?
    /// Whether the coordinator is to be told everything, as it may know nothing.
    private var tellsAll = true
    private var hasChanged = false
    private var lastHeard: MonotonicInstant?

    init(_ group: String, _ topic: String, _ cluster: ClusterClient) {
        self.group = group
        self.topic = topic
        self.cluster = cluster
        admin = Admin(cluster)
        var generator = cluster.runtime.generator()
        memberID = UUID128.random(using: &generator).description
    }

    var identity: (memberID: String, epoch: Int32)? { epoch > 0 ? (memberID, epoch) : nil }

    mutating func tend() async throws(ClientError) -> [GroupChange] {
        let now = cluster.runtime.clock.now
        if let nextHeartbeat, now < nextHeartbeat, !hasChanged { return [] }
        if cluster.view.topics[topic] == nil { try await cluster.refresh(topics: [topic]) }
        let response: ConsumerGroupHeartbeatResponse
        do throws(ClientError) {
            if coordinator == nil { coordinator = try await admin.coordinator(of: group) }
            guard let coordinator else { throw ClientError(code: .coordinatorNotAvailable) }
            response = try await cluster.send(request(), to: .broker(coordinator))
        } catch {
            coordinator = nil
            tellsAll = true
            throw error
        }
        switch response.errorCode {
        case .noError: return heard(response, asked: now)
        case .fencedMemberEpoch, .unknownMemberID:
            epoch = 0
            tellsAll = true
            defer { owned = [] }
            return [.ended(owned.sorted(), at: lastHeard)]
        default:
            tellsAll = true
            nextHeartbeat = now.advanced(byMilliseconds: 100)
            coordinator = nil
            return []
        }
    }

    private mutating func heard(_ response: ConsumerGroupHeartbeatResponse, asked: MonotonicInstant) -> [GroupChange] {
        lastHeard = asked
        tellsAll = false
        hasChanged = false
        epoch = response.memberEpoch
        nextHeartbeat = asked.advanced(byMilliseconds: Int64(max(response.heartbeatIntervalMilliseconds, 1)))
        guard let assignment = response.assignment else { return [] }
        let wanted = Set(assignment.topicPartitions.flatMap(\.partitions).map(\.value))
        let gone = owned.subtracting(wanted).sorted()
        let new = wanted.subtracting(owned).sorted()
        owned = wanted
        hasChanged = !gone.isEmpty || !new.isEmpty
        return (gone.isEmpty ? [] : [.ended(gone, at: nil)]) + (new.isEmpty ? [] : [.gained(new, epoch: epoch)])
    }

    private func request() -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = group
        request.memberID = memberID
        request.memberEpoch = epoch
        if tellsAll {
            request.rebalanceTimeoutMilliseconds = ConsumerShare.rebalanceMilliseconds
            request.subscribedTopicNames = [topic]
        }
        if tellsAll || hasChanged {
            var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
            entry.topicID = cluster.view.topics[topic]?.id ?? .zero
            entry.partitions = owned.sorted().map { PartitionIndex($0) }
            request.topicPartitions = owned.isEmpty ? [] : [entry]
        }
        return request
    }

    func leave() async {
        guard let coordinator else { return }
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = group
        request.memberID = memberID
        request.memberEpoch = ConsumerShare.leaving
        _ = try? await cluster.send(request, to: .broker(coordinator))
    }
}
