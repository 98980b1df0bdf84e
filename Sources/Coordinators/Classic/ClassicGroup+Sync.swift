import OrderedCollections
import Primitives
import WireMessages

extension ClassicGroup {
    /// Handles a SyncGroup: the leader brings the assignments, the others fetch theirs.
    ///
    /// - Errors: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL,
    ///   REBALANCE_IN_PROGRESS; later also what the write of the assignment met.
    mutating func sync(
        _ request: SyncGroupRequest, ticket: Ticket, at time: CoordinatorTime, into outcome: inout GroupOutcome
    ) {
        let memberID = request.memberID
        if let error = errorOfSync(request) { return outcome.replies.append((ticket, .sync(.failure(error)))) }
        switch state {
        case .empty: outcome.replies.append((ticket, .sync(.failure(.unknownMemberID))))
        case .preparingRebalance: outcome.replies.append((ticket, .sync(.failure(.rebalanceInProgress))))
        case .stable:
            members[memberID]?.hasSynced = true
            heard(memberID, at: time.now)
            outcome.replies.append((ticket, .sync(syncResponse(for: memberID))))
        case .completingRebalance:
            answerParked(of: memberID, with: .rebalanceInProgress, into: &outcome)
            members[memberID]?.parked = .sync(ticket)
            members[memberID]?.hasSynced = true
            guard memberID == leaderID else { return }
            var assignments: [String: Bytes] = [:]
            for entry in request.assignments where members[entry.memberID] != nil {
                assignments[entry.memberID] = entry.assignment.detached
            }
            outcome.write = GroupDecision(
                record: .group(id: id, value: metadataValue(assignments: assignments)),
                then: .assign(group: id, generation: generation, leaderID: memberID, assignments: assignments))
        }
    }

    private func errorOfSync(_ request: SyncGroupRequest) -> ErrorCode? {
        if let error = errorOfMember(request.memberID, instanceID: request.groupInstanceID) { return error }
        if request.generationID != generation { return .illegalGeneration }
        if let type = request.protocolType, type != protocolType { return .inconsistentGroupProtocol }
        if let name = request.protocolName, name != protocolName { return .inconsistentGroupProtocol }
        return nil
    }

    private func syncResponse(for memberID: String) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = members[memberID]?.assignment ?? .empty
        return response
    }

    /// The leader's assignment is committed: every member that waits gets its part. A group that has moved on
    /// meanwhile keeps nothing of it.
    mutating func assignmentCommitted(
        generation: Int32, leaderID: String, _ assignments: [String: Bytes], at time: CoordinatorTime,
        into outcome: inout GroupOutcome
    ) {
        guard case .completingRebalance(let syncDeadline) = state, self.generation == generation,
            self.leaderID == leaderID
        else { return }
        enter(.stable(syncDeadline: syncDeadline), at: time)
        outcome.events.append(GroupEvent(.stable, epoch: generation, memberCount: members.count))
        wake(at: syncDeadline)
        for memberID in members.keys {
            members[memberID]?.assignment = assignments[memberID] ?? .empty
            guard case .sync(let ticket) = members[memberID]?.parked else { continue }
            members[memberID]?.parked = .nothing
            heard(memberID, at: time.now)
            outcome.replies.append((ticket, .sync(syncResponse(for: memberID))))
        }
    }

    /// The leader's assignment could not be written: those who wait are told why, and a new rebalance begins.
    mutating func assignmentFailed(
        generation: Int32, leaderID: String, with error: ErrorCode, at time: CoordinatorTime,
        _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        guard isCompleting, self.generation == generation, self.leaderID == leaderID else { return }
        forgetAssignments(with: error, at: time, into: &outcome)
        outcome.events.append(
            GroupEvent(
                .rebalance, epoch: generation, memberCount: members.count,
                reason: "the assignment could not be written: \(error)"))
        prepareRebalance(at: time, settings, into: &outcome)
    }
}
