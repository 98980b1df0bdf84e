import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// A member by the classic protocol, as the client's own state machine plays it.
struct ClassicShare: GroupShare {
    private static let rebalanceMilliseconds: Int32 = 6_000
    private static let heartbeatMilliseconds: Int64 = 300
    private static let answerMilliseconds: Int64 = 10_000

    private let cluster: ClusterClient
    private let admin: Admin
    var coordinator: BrokerID?
    private var membership: GroupMembership
    private var generator: SeededGenerator
    private var lastHeard: MonotonicInstant?

    init(_ group: String, _ topic: String, sessionMilliseconds: Int64, _ cluster: ClusterClient) {
        self.cluster = cluster
        admin = Admin(cluster)
        var settings = GroupMembership.Settings(groupID: group, topics: [topic])
        settings.sessionTimeoutMilliseconds = Int32(sessionMilliseconds)
        settings.rebalanceTimeoutMilliseconds = ClassicShare.rebalanceMilliseconds
        settings.heartbeatIntervalMilliseconds = ClassicShare.heartbeatMilliseconds
        membership = GroupMembership(settings: settings)
        generator = cluster.runtime.generator()
    }

    var identity: (memberID: String, epoch: Int32)? {
        membership.isStable ? membership.generation.map { (membership.memberID, $0) } : nil
    }

    mutating func tend() async throws(ClientError) -> [GroupChange] {
        var changes: [GroupChange] = []
        // What was lost is written down before the member asks for more.
        while changes.isEmpty, let effect = membership.advance(now: cluster.runtime.clock.now) {
            let told: [GroupMembership.Change]
            do throws(ClientError) { told = try await perform(effect) } catch {
                membership.unanswered(now: cluster.runtime.clock.now, using: &generator)
                return changes
            }
            changes += told.compactMap { change in
                switch change {
                case .assigned(let places): .gained(numbers(places), epoch: membership.generation ?? -1)
                case .revoked(let places): .ended(numbers(places), at: nil)
                case .lost(let places): .ended(numbers(places), at: lastHeard)
                case .refused: nil
                }
            }
        }
        return changes
    }

    private func numbers(_ places: [TopicPartition]) -> [Int32] { places.map(\.partition.value) }

    private mutating func perform(
        _ effect: GroupMembership.Effect
    ) async throws(ClientError) -> [GroupMembership.Change] {
        let asked = cluster.runtime.clock.now
        switch effect {
        case .findCoordinator:
            coordinator = try await admin.coordinator(of: membership.settings.groupID)
            membership.coordinatorFound()
            return []
        case .join(let request):
            let answer = try await cluster.send(
                request, to: try target(), timeoutMilliseconds: ClassicShare.answerMilliseconds)
            return membership.answered(answer, now: cluster.runtime.clock.now, using: &generator)
        case .countPartitions(let topics):
            _ = try await cluster.refresh(topics: topics)
            membership.counted(cluster.view.topics.mapValues { $0.partitions.count })
            return []
        case .sync(let request):
            let answer = try await cluster.send(
                request, to: try target(), timeoutMilliseconds: ClassicShare.answerMilliseconds)
            if answer.errorCode == .noError { lastHeard = asked }
            return membership.answered(answer, now: cluster.runtime.clock.now, using: &generator)
        case .heartbeat(let request):
            let answer = try await cluster.send(request, to: try target())
            if answer.errorCode == .noError { lastHeard = asked }
            return membership.answered(answer, now: cluster.runtime.clock.now, using: &generator)
        }
    }

    private func target() throws(ClientError) -> ClusterClient.Target {
        guard let coordinator else { throw ClientError(code: .coordinatorNotAvailable) }
        return .broker(coordinator)
    }

    func leave() async {
        guard let coordinator, let request = membership.leaveRequest() else { return }
        _ = try? await cluster.send(request, to: .broker(coordinator))
    }
}
