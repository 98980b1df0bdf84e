package import HashTreeCollections
package import Metadata
package import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

/// The topics that a regular expression stood for when it was last looked at.
package struct ResolvedExpression: Hashable, Sendable {
    /// Sorted.
    package var topics: [String]
    /// The end of the metadata log that was looked at.
    package var version: Int64
    package var timestamp: Timestamp
}

/// Kafka's names of where a consumer group stands.
package enum ConsumerGroupState: String, Hashable, Sendable {
    case empty = "Empty"
    /// The target assignment is older than the group.
    case assigning = "Assigning"
    /// Members are on the way to the target assignment.
    case reconciling = "Reconciling"
    case stable = "Stable"
}

/// A group of the consumer protocol: the coordinator shares the partitions out, and moves each member there by itself.
///
/// Changed by `replay` alone. A copy is cheap, so that a decision is made on one: see `ConsumerGroupDraft`.
/// - Invariants: no partition is owned by two members; no member's epoch is above the group's.
/// - Source: KIP-848.
package struct ConsumerGroup: Hashable, Sendable {
    /// Grows with each change of members, subscriptions or of the subscribed topics' metadata.
    package private(set) var epoch: Int32 = 0
    /// Of the metadata of the subscribed topics, as of `epoch`.
    package private(set) var metadataHash: Int64 = 0
    /// The group epoch that the target assignment belongs to; never above `epoch`.
    package private(set) var targetEpoch: Int32 = 0
    /// True while the log holds a record of the metadata as Kafka wrote it before 4.1.
    private(set) var hasOldMetadataRecord = false
    package private(set) var members: TreeDictionary<String, ConsumerMember> = [:]
    /// Sorted; a member without an entry is to own nothing.
    package private(set) var targets: TreeDictionary<String, [TopicPartitionID]> = [:]
    package private(set) var expressions: TreeDictionary<String, ResolvedExpression> = [:]
    /// Member ids by `group.instance.id`.
    private(set) var staticMembers: TreeDictionary<String, String> = [:]
    /// Who owns a partition, or has not said yet that it has given it up.
    private var owners: TreeDictionary<TopicPartitionID, String> = [:]
    /// How many members have each subscription.
    private(set) var subscriptions: TreeDictionary<ConsumerSubscription, Int> = [:]
    /// How many members ask for each assignor.
    private var assignorVotes: TreeDictionary<String, Int> = [:]
    private(set) var classicMemberCount = 0
    /// How many of them offer each protocol.
    private var classicProtocols: TreeDictionary<String, Int> = [:]

    package init() {}

    /// True where nobody owns the partition.
    func isFree(_ partition: TopicPartitionID) -> Bool {
        #if MUTANTS
            if Mutant.handedOverUnrevoked.isOn { return true }
        #endif
        return owners[partition] == nil
    }

    /// Where the group stands.
    package var state: ConsumerGroupState {
        if members.isEmpty { return .empty }
        if epoch > targetEpoch { return .assigning }
        return members.values.allSatisfy { $0.isReconciled(to: targetEpoch) } ? .stable : .reconciling
    }

    /// The assignor that most members ask for (among equals the first by name); nil where none asks.
    package var preferredAssignor: String? {
        assignorVotes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// The names that members subscribe to, and that their expressions stand for; sorted.
    package var subscribedTopics: [String] {
        var names: Set<String> = []
        for subscription in subscriptions.keys { names.formUnion(self.names(of: subscription)) }
        return names.sorted()
    }

    /// The names that a subscription stands for.
    func names(of subscription: ConsumerSubscription) -> [String] {
        guard let expression = subscription.expression, let resolved = expressions[expression] else {
            return subscription.names
        }
        return subscription.names.isEmpty ? resolved.topics : subscription.names + resolved.topics
    }

    /// True where a member subscribes to the topic, by name or by an expression.
    package func isSubscribed(to topic: String) -> Bool {
        subscriptions.keys.contains { names(of: $0).contains(topic) }
    }

    /// True where members of the classic protocol that are in the group share one of these with it.
    func supportsClassic(_ protocols: [String]) -> Bool {
        members.isEmpty
            ? !protocols.isEmpty : protocols.contains { classicProtocols[$0, default: 0] == classicMemberCount }
    }

    // MARK: Replay

    mutating func replay(_ record: ConsumerGroupRecord) {
        switch record {
        case .group(let value):
            epoch = value?.epoch ?? 0
            metadataHash = value?.metadataHash ?? 0
        case .partitionMetadata(let value): hasOldMetadataRecord = value != nil
        case .member(let id, let value):
            if let value { change(id) { $0.replay(value) } } else { remove(id) }
        case .targetEpoch(let value): targetEpoch = value?.assignmentEpoch ?? 0
        case .target(let id, let value):
            targets[id] = value?.topicPartitions.flatMap { topic in
                topic.partitions.map { TopicPartitionID(topic.topicID, $0) }
            }.sorted()
        case .current(let id, let value):
            if let value {
                change(id) { $0.replay(value) }
            } else if members[id] != nil {
                change(id) { $0.replay(ConsumerGroupCurrentMemberAssignmentValue()) }
            }
        case .expression(let text, let value):
            expressions[text] = value.map {
                ResolvedExpression(
                    topics: $0.topics.sorted(), version: $0.version, timestamp: Timestamp($0.timestamp))
            }
        }
    }

    private mutating func change(_ id: String, _ body: (inout ConsumerMember) -> Void) {
        var member = members[id] ?? ConsumerMember(id: id)
        if members[id] != nil { count(member, by: -1) }
        body(&member)
        members[id] = member
        count(member, by: 1)
    }

    private mutating func remove(_ id: String) {
        guard let member = members.removeValue(forKey: id) else { return }
        count(member, by: -1)
    }

    /// Keeps what is derived from the members in step with one of them.
    private mutating func count(_ member: ConsumerMember, by step: Int) {
        func add(_ step: Int, to counted: inout Int?) {
            let sum = (counted ?? 0) + step
            counted = sum == 0 ? nil : sum
        }
        add(step, to: &subscriptions[member.subscription])
        if let assignor = member.serverAssignor { add(step, to: &assignorVotes[assignor]) }
        if let classic = member.classic {
            classicMemberCount += step
            for offered in classic.protocols { add(step, to: &classicProtocols[offered.name]) }
        }
        // In a log that was compacted in parts a later owner may be read before an earlier one is gone.
        if let instanceID = member.instanceID {
            if step > 0 {
                staticMembers[instanceID] = member.id
            } else if staticMembers[instanceID] == member.id {
                staticMembers[instanceID] = nil
            }
        }
        for owned in [member.assigned, member.pendingRevocation].joined() {
            if step > 0 {
                owners[owned.partition] = member.id
            } else if owners[owned.partition] == member.id {
                owners[owned.partition] = nil
            }
        }
    }
}
