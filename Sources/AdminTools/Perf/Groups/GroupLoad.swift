import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// The members of many groups, each a task that does nothing but heartbeats as KIP-848 wants them.
struct GroupLoad: Sendable {
    /// Each with connections of its own: the answers on one leave in the order of their requests.
    let clients: [ClusterClient]
    let topic: String
    let topicID: TopicID
    let groups: Int
    let members: Int
    /// How many of each group will be told to leave.
    let leaving: Int
    let watch: GroupWatch

    func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for group in 0..<groups {
                    let name = "\(topic)-\(group)"
                    let coordinator = try await Admin(clients[0]).coordinator(of: name)
                    for number in 0..<members {
                        let client = clients[(group * members + number) % clients.count]
                        var member = GroupLoadMember(
                            load: self, client, group: group, number: number, name: name, coordinator)
                        tasks.addTask { try await member.run() }
                    }
                }
                try await tasks.waitForAll()
            }
        } catch {
            watch.failed(error)
            throw error
        }
    }
}

/// One member: it takes what it is given at once, and gives back at once what it is to give back.
private struct GroupLoadMember: Sendable {
    private let load: GroupLoad
    private let cluster: ClusterClient
    private let group: Int
    private let number: Int
    private let name: String
    private let coordinator: BrokerID
    private let memberID = "member-\(UInt64.random(in: 0...UInt64.max))"
    private var epoch: Int32 = 0
    private var owned: Set<PartitionIndex> = []
    private var hasToldOwned = false

    private static let leavingEpoch: Int32 = -1
    private static let retryMilliseconds: Int64 = 50
    private static let lookMilliseconds: Int64 = 100
    private static let rebalanceTimeoutMilliseconds: Int32 = 300_000

    init(
        load: GroupLoad, _ cluster: ClusterClient, group: Int, number: Int, name: String, _ coordinator: BrokerID
    ) {
        self.cluster = cluster
        (self.load, self.group, self.number, self.name, self.coordinator) = (load, group, number, name, coordinator)
    }

    mutating func run() async throws {
        while !load.watch.isEnded {
            let isLeaving = number < load.watch.leaving
            let sent = cluster.runtime.clock.now
            let response = try await cluster.send(request(isLeaving: isLeaving), to: .broker(coordinator))
            switch response.errorCode {
            case .noError: break
            case .coordinatorLoadInProgress, .notCoordinator, .coordinatorNotAvailable:
                await cluster.runtime.sleep(milliseconds: GroupLoadMember.retryMilliseconds)
                continue
            default: throw ClientError(code: response.errorCode, message: response.errorMessage)
            }
            load.watch.answered(after: cluster.runtime.clock.now.value - sent.value)
            if isLeaving {
                load.watch.changed(group, from: owned, to: [])
                return
            }
            epoch = response.memberEpoch
            hasToldOwned = true
            // What is given back is told at once, as a consumer does that has nothing to finish.
            if !take(response.assignment) { await rest(response.heartbeatIntervalMilliseconds) }
        }
    }

    /// Whether the member owns other partitions than before.
    private mutating func take(_ assignment: ConsumerGroupHeartbeatResponse.Assignment?) -> Bool {
        guard let assignment else { return false }
        let given = Set(assignment.topicPartitions.filter { $0.topicID == load.topicID }.flatMap(\.partitions))
        guard given != owned else { return false }
        load.watch.changed(group, from: owned, to: given)
        owned = given
        hasToldOwned = false
        return true
    }

    /// Waits for the next heartbeat, or less where there is something else to do.
    private func rest(_ milliseconds: Int32) async {
        var left = Int64(milliseconds)
        while left > 0, !load.watch.isEnded, number >= load.watch.leaving {
            let pause = number < load.leaving ? min(left, GroupLoadMember.lookMilliseconds) : left
            await cluster.runtime.sleep(milliseconds: pause)
            left -= pause
        }
    }

    private func request(isLeaving: Bool) -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = name
        request.memberID = memberID
        request.memberEpoch = isLeaving ? GroupLoadMember.leavingEpoch : epoch
        if isLeaving { return request }
        if epoch == 0 {
            request.rebalanceTimeoutMilliseconds = GroupLoadMember.rebalanceTimeoutMilliseconds
            request.subscribedTopicNames = [load.topic]
        }
        if !hasToldOwned {
            var topic = ConsumerGroupHeartbeatRequest.TopicPartitions()
            topic.topicID = load.topicID
            topic.partitions = owned.sorted()
            request.topicPartitions = owned.isEmpty ? [] : [topic]
        }
        return request
    }
}
