import Coordinators
import Primitives
package import WireMessages

/// Shows groups and their members.
///
/// - Errors: for each group NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, and from version 6 GROUP_ID_NOT_FOUND;
///   before that a group that is not there, or is a consumer group, is shown as Dead.
/// - Source: KIP-430 (authorized operations), KIP-1043 (not found).
package struct DescribeGroupsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...6
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(
        _ request: DescribeGroupsRequest, _ context: RequestContext, _ reply: Reply<DescribeGroupsResponse>
    ) {
        var response = DescribeGroupsResponse()
        response.groups = request.groups.map { id in
            var described = describe(id, version: context.version)
            if context.version >= 3, request.includeAuthorizedOperations, described.errorCode == .noError {
                described.authorizedOperations = DescribeGroupsHandler.allOperations
            }
            // In a tagged field of ours that no client of Kafka asks for, also about a group of the other protocol.
            if request.includeTimeline { described.timeline = timeline(of: id) }
            return described
        }
        reply(response)
    }

    /// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS: what can be allowed on a group, and without an
    /// authorizer is.
    static let allOperations: Int32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11

    private func timeline(of id: String) -> DescribeGroupsResponse.Timeline? {
        let found = groups.access(id) { shard, _ in (shard.timeline(of: id), shard.timelineSince) }
        guard case .success((let timeline, let since)) = found else { return nil }
        return DescribeGroupsResponse.Timeline(timeline, since: since)
    }

    private func describe(_ id: String, version: Int16) -> DescribeGroupsResponse.DescribedGroup {
        var absent = DescribeGroupsResponse.DescribedGroup()
        absent.groupID = id
        switch groups.access(id, { shard, _ in (shard.describe(id), shard.isConsumerGroup(id)) }) {
        case .success((.some(let found), _)): return found
        case .success((nil, let isConsumerGroup)):
            absent.groupState = "Dead"
            if version >= 6 {
                absent.errorCode = .groupIDNotFound
                absent.errorMessage = "Group \(id) \(isConsumerGroup ? "is not a classic group" : "not found")."
            }
        case .failure(let refusal): absent.errorCode = refusal.code
        }
        return absent
    }
}

extension DescribeGroupsResponse.Timeline {
    init(_ timeline: GroupTimeline, since: Timestamp) {
        self.init()
        self.since = since.value
        forgottenCount = Int32(clamping: timeline.forgottenCount)
        events = timeline.events.map { event in
            var shown = DescribeGroupsResponse.TimelineEvent()
            shown.time = event.time.value
            shown.kind = event.kind.rawValue
            shown.count = Int32(clamping: event.count)
            shown.epoch = event.epoch ?? -1
            shown.memberCount = Int32(clamping: event.memberCount ?? -1)
            shown.tookMilliseconds = event.tookMilliseconds ?? -1
            shown.memberID = event.member?.id
            shown.instanceID = event.member?.instanceID
            shown.clientID = event.member?.clientID
            shown.clientHost = event.member?.clientHost
            shown.reason = event.reason
            return shown
        }
    }
}
