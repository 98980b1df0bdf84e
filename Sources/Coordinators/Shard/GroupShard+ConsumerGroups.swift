import HashTreeCollections
import Metadata
import OrderedCollections
import Primitives
import WireMessages

/// A decision about a consumer group, with what it does to a group of the classic protocol under the same id.
struct ConsumerOpening {
    var draft: ConsumerGroupDraft
    /// True where the classic group under this id ends with the decision.
    var endsClassic = false
    /// The classic group that the consumer group becomes.
    var becomes: ClassicGroup?
    /// Answers to those that wait in the classic group.
    var effects: [GroupEffect] = []
    /// For the group's timeline.
    var events: [GroupEvent] = []
    /// Why its epoch is raised, where `events` do not tell.
    var reason: String?
}

extension GroupShard {
    /// The topics have changed: groups look at theirs with the next heartbeat.
    ///
    /// - Parameter changed: the names of topics that were made, deleted, got partitions or moved; nil for all.
    package mutating func topicsChanged(_ topics: SubscribableTopics, changed: Set<String>? = nil) {
        self.topics = topics
        for id in clocks.keys {
            guard let group = image[id]?.consumer else { continue }
            let isConcerned = changed.map { names in names.contains { group.isSubscribed(to: $0) } } ?? true
            if isConcerned { clocks[id]?.isMetadataStale = true }
        }
    }

    /// A consumer group as it is; nil where the id is free, or that of a classic group.
    func consumerGroup(_ id: String) -> ConsumerGroup? { groups[id] == nil ? image[id]?.consumer : nil }

    /// Begins a decision about a consumer group that is there, or makes one.
    ///
    /// - Errors: GROUP_ID_NOT_FOUND.
    mutating func openConsumerGroup(
        _ id: String, creates: Bool, at time: CoordinatorTime
    ) throws(ConsumerRefusal) -> ConsumerOpening {
        if let group = consumerGroup(id) { return ConsumerOpening(draft: ConsumerGroupDraft(id: id, group)) }
        guard creates else {
            let isClassic = groups[id] != nil || image[id]?.metadata != nil
            throw ConsumerRefusal(
                .groupIDNotFound, isClassic ? "Group \(id) is not a consumer group." : "Group \(id) not found.")
        }
        guard let classic = groups[id], classic.state != .empty || !classic.members.isEmpty else {
            var opening = ConsumerOpening(draft: ConsumerGroupDraft(id: id, ConsumerGroup()))
            opening.endsClassic = groups[id] != nil
            if image[id]?.metadata != nil { opening.draft.writeElsewhere(.group(id: id, value: nil)) }
            return opening
        }
        return try upgrade(classic, at: time)
    }

    /// Computes the target assignment if the group has a newer epoch, at most once in the interval of the settings.
    mutating func assignIfDue(_ draft: inout ConsumerGroupDraft, at time: CoordinatorTime) {
        let id = draft.id
        guard draft.group.epoch > draft.group.targetEpoch else {
            clocks[id, default: ConsumerGroupClock()].setAssignmentDue(nil)
            return
        }
        let interval = limits(of: id).assignmentIntervalMilliseconds
        if let last = clocks[id]?.assignedAt, draft.group.targetEpoch > 0 {
            let due = last.advanced(byMilliseconds: interval)
            if due > time.now {
                clocks[id]?.setAssignmentDue(due)
                return
            }
        }
        draft.assign(topics, by: settings.consumerAssignors.first ?? .uniform)
        clocks[id, default: ConsumerGroupClock()].assigned(at: time.now)
    }

    /// Makes sure that a member's expression can be read and has its topics; looks at all of the group's expressions
    /// again when topics have changed and the time for it has come.
    ///
    /// - Returns: true where an expression was looked at.
    /// - Errors: INVALID_REGULAR_EXPRESSION.
    func resolveExpressions(
        of member: ConsumerMember, before: String?, _ draft: inout ConsumerGroupDraft, at time: CoordinatorTime
    ) throws(ConsumerRefusal) -> Bool {
        let expression = member.subscription.expression
        var isAnyResolved = false
        if expression != before {
            if let expression {
                do throws(TopicExpression.Mistake) {
                    let parsed = try TopicExpression(expression)
                    if draft.group.expressions[expression] == nil {
                        resolve(expression, parsed, &draft, at: time)
                        isAnyResolved = true
                    }
                } catch {
                    throw ConsumerRefusal(
                        .invalidRegularExpression,
                        "SubscribedTopicRegex `\(expression)` is not a valid regular expression: \(error).")
                }
            }
            if let before { draft.forgetIfUnused(before) }
        }
        for (text, resolved) in draft.group.expressions.sorted(by: { $0.key < $1.key })
        where resolved.version != topics.version {
            let age = time.timeOfDay.value - resolved.timestamp.value
            guard !(0..<settings.expressionRefreshMilliseconds).contains(age) else { continue }
            guard let parsed = try? TopicExpression(text) else { continue }
            resolve(text, parsed, &draft, at: time)
            isAnyResolved = true
        }
        return isAnyResolved
    }

    private func resolve(
        _ text: String, _ expression: TopicExpression, _ draft: inout ConsumerGroupDraft, at time: CoordinatorTime
    ) {
        var value = ConsumerGroupRegularExpressionValue()
        value.topics = topics.names.filter(expression.matches)
        value.version = topics.version
        value.timestamp = time.timeOfDay.value
        draft.write(.expression(text, value))
    }

    /// Ends a decision: writes what it has, and lets `then` follow the commitment of all that it rests on.
    mutating func finish(
        _ opening: ConsumerOpening, then: AfterCommit?, at time: CoordinatorTime
    ) -> [GroupEffect] {
        let id = opening.draft.id
        note(opening, at: time)
        guard !opening.draft.records.isEmpty else {
            // An answer that tells what is not committed yet waits for that.
            if let last = clocks[id]?.lastWrite,
                line.add(to: last, { $0 = .several([$0, then].compactMap { $0 }) })
            {
                return []
            }
            if case .reply(let ticket, let reply)? = then { return [.reply(ticket, reply)] }
            return []
        }
        groupsOfWrites[line.nextID] = id
        let ending = EndingGroups(deleted: opening.endsClassic ? [id] : [], becomes: opening.becomes)
        if !ending.deleted.isEmpty || ending.becomes != nil { endingGroups[line.nextID] = ending }
        return [decide(opening.draft.records, then: then, at: time)]
    }

    /// The settings of a consumer group.
    func limits(of id: String) -> ConsumerGroupLimits { ownLimits[id] ?? settings.consumerLimits }

    /// Starts a member's wait anew, or ends it. In place: a copy of the clock would cost as much as the group is large.
    mutating func set(
        _ wait: ConsumerGroupClock.Wait, of member: String, in id: String, after milliseconds: Int64?,
        at time: CoordinatorTime
    ) {
        let deadline = milliseconds.map { time.now.advanced(byMilliseconds: $0) }
        clocks[id, default: ConsumerGroupClock()].set(wait, of: member, to: deadline)
        noteConsumerDeadline(of: id)
    }

    mutating func noteConsumerDeadline(of id: String) {
        guard let deadline = clocks[id]?.wakeAt else { return }
        consumersWakeAt = consumersWakeAt.map { min($0, deadline) } ?? deadline
    }
}
