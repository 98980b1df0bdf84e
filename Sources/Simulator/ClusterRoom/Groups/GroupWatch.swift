import ClientCore
import Primitives
import WireMessages

/// Asks the coordinators what they say of the groups, again and again, once all is healed.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class GroupWatch: @unchecked Sendable {
    private let client: SimulatedClient
    /// What is not as it has to be, by group; nil once it is.
    private var reasons: [String: String?]

    /// How often it asks.
    private static let pauseMilliseconds: Int64 = 200

    init(_ client: SimulatedClient, groups: [String]) {
        self.client = client
        reasons = Dictionary(uniqueKeysWithValues: groups.map { ($0, "its coordinator has not been asked yet") })
    }

    func start() {
        client.loop.execute { [self] in client.refresh([]) {} }
        for group in reasons.keys.sorted() { client.loop.execute { self.ask(group) } }
    }

    func close() { client.close() }

    func unrest(of group: String) -> String? { reasons[group] ?? nil }

    private func ask(_ group: String) {
        guard !client.isClosed else { return }
        client.loop.schedule(afterMilliseconds: GroupWatch.pauseMilliseconds) { self.ask(group) }
        var request = FindCoordinatorRequest()
        request.coordinatorKeys = [group]
        client.send(request) { [self] result in
            guard case .success(let response) = result, let found = response.coordinators.first,
                found.errorCode == .noError
            else { return }
            if client.view.brokers[found.nodeID] == nil { client.refresh([]) {} }
            var request = DescribeGroupsRequest()
            request.groups = [group]
            client.send(request, to: found.nodeID) { [self] result in
                guard case .success(let response) = result, let described = response.groups.first else { return }
                if described.errorCode == .groupIDNotFound { return askConsumers(group, found.nodeID) }
                let isStable = described.errorCode == .noError && described.groupState == "Stable"
                reasons[group] = isStable ? .some(nil) : "it is \(described.groupState), \(described.errorCode)"
            }
        }
    }

    private func askConsumers(_ group: String, _ coordinator: BrokerID) {
        var request = ConsumerGroupDescribeRequest()
        request.groupIDs = [group]
        client.send(request, to: coordinator) { [self] result in
            guard case .success(let response) = result, let described = response.groups.first else { return }
            reasons[group] = .some(GroupWatch.unrest(described))
        }
    }

    private static func unrest(_ group: ConsumerGroupDescribeResponse.DescribedGroup) -> String? {
        if group.errorCode != .noError || group.groupState != "Stable" {
            return "it is \(group.groupState), \(group.errorCode)"
        }
        if group.groupEpoch != group.assignmentEpoch {
            return "its epoch is \(group.groupEpoch), its target's \(group.assignmentEpoch)"
        }
        for member in group.members {
            if member.memberEpoch != group.groupEpoch { return "\(member.memberID) is in epoch \(member.memberEpoch)" }
            if member.assignment != member.targetAssignment { return "\(member.memberID) has not its target" }
        }
        return nil
    }
}
