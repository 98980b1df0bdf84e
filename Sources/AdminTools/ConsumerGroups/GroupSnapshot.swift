import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol

/// A group as its coordinator described it.
struct GroupSnapshot {
    let name: String
    let members: [GroupTables.Member]
    private let coordinator: BrokerID
    private let groupState: String
    private let strategy: String
    /// Those of a consumer group: of the group, and of its target.
    private var epochs: (group: Int32, target: Int32)?

    /// - Errors: an assignment that can't be read.
    init(coordinator: BrokerID, _ group: DescribeGroupsResponse.DescribedGroup) throws(ToolFailure) {
        self.coordinator = coordinator
        name = group.groupID
        groupState = group.groupState
        strategy = group.protocolData
        var members: [GroupTables.Member] = []
        for member in group.members {
            // Only consumers write their assignments in a form that is known.
            var assigned: [TopicPartition] = []
            guard group.protocolType == ConsumerProtocol.type else {
                members.append(GroupSnapshot.member(member, []))
                continue
            }
            do { assigned = try ConsumerProtocol.places(ofAssignment: member.memberAssignment) } catch {
                throw ToolFailure("The assignment of \(member.memberID) in group \(name) can't be read: \(error)")
            }
            members.append(GroupSnapshot.member(member, assigned))
        }
        self.members = members
    }

    /// A group of the consumer protocol.
    init(coordinator: BrokerID, _ group: ConsumerGroupDescribeResponse.DescribedGroup) {
        self.coordinator = coordinator
        name = group.groupID
        groupState = group.groupState
        strategy = group.assignorName
        epochs = (group.groupEpoch, group.assignmentEpoch)
        func places(_ assignment: ConsumerGroupDescribeResponse.Assignment) -> [TopicPartition] {
            assignment.topicPartitions.flatMap { topic in
                topic.partitions.map { TopicPartition(topic.topicName, $0) }
            }
        }
        members = group.members.map { member in
            GroupTables.Member(
                id: member.memberID, instanceID: member.instanceID, host: member.clientHost,
                clientID: member.clientID, assigned: places(member.assignment),
                progress: GroupTables.Progress(
                    epoch: member.memberEpoch, targetEpoch: group.assignmentEpoch,
                    target: places(member.targetAssignment), isUpgraded: member.memberType != 0))
        }
    }

    private static func member(
        _ member: DescribeGroupsResponse.DescribedGroupMember, _ assigned: [TopicPartition]
    ) -> GroupTables.Member {
        GroupTables.Member(
            id: member.memberID, instanceID: member.groupInstanceID, host: member.clientHost,
            clientID: member.clientID, assigned: assigned)
    }

    /// Kafka's name of the group's state.
    var stateName: String { groupState }

    /// What its coordinator says of a group; nil where there is none.
    static func find(_ name: String, _ admin: Admin) async throws -> GroupSnapshot? {
        do throws(ClientError) {
            let (coordinator, group) = try await admin.describeGroup(name)
            let found: GroupSnapshot
            do throws(ToolFailure) { found = try GroupSnapshot(coordinator: coordinator, group) } catch {
                throw ClientError(.invalid, error.description)
            }
            if found.groupState != "Dead" { return found }
        } catch {
            if error.code != .groupIDNotFound { throw error }
        }
        return try await admin.describeConsumerGroup(name).map { GroupSnapshot(coordinator: $0.coordinator, $0.group) }
    }

    /// Where it stands now, in a line.
    var heading: String {
        let count = members.count == 1 ? "1 member" : "\(members.count) members"
        let epoch = epochs.map { ", epoch \($0.group)" } ?? ""
        return "\(groupState)\(epoch), \(count), coordinator \(coordinator)"
    }

    /// The row of `--state`.
    func state(_ view: ClusterView) -> GroupTables.State {
        let address = view.brokers[coordinator].map { "\($0)  (\(coordinator))" } ?? "(\(coordinator))"
        return GroupTables.State(
            group: name, coordinator: address, strategy: strategy, state: groupState, memberCount: members.count,
            epoch: epochs?.group, targetEpoch: epochs?.target)
    }

    /// Says on standard error what makes the numbers passing ones.
    func warn() {
        switch groupState {
        case "Empty": Console.complain("\nConsumer group '\(name)' has no active members.")
        case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
            Console.complain("\nWarning: Consumer group '\(name)' is rebalancing.")
        default: break
        }
    }

    /// Kafka prints a line break before each line, and one at the end.
    static func print(_ lines: [String]) {
        for line in lines { Swift.print("\n\(line)", terminator: "") }
        Swift.print("")
    }
}
