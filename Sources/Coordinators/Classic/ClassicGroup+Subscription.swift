import OrderedCollections
import Primitives
import WireMessages
import WireProtocol

/// From when on the offsets of a group age.
enum OffsetAging: Hashable, Sendable {
    /// They don't: the group works, and nobody can tell for which topics.
    case never
    /// From each commit; those of topics that the group is subscribed to don't.
    case sinceCommit
    /// From the time at which the last member left, or from a later commit.
    case sinceEmpty(Timestamp)
}

extension ClassicGroup {
    static let consumerProtocolType = "consumer"

    var usesConsumerProtocol: Bool { protocolType == ClassicGroup.consumerProtocolType }

    /// True where the group reads the topic now. A group of consumers whose subscriptions can't be read counts as
    /// subscribed to everything.
    func isSubscribed(to topic: String) -> Bool { subscribedTopics?.contains(topic) ?? usesConsumerProtocol }

    /// How the offsets of the group age.
    ///
    /// - Source: KIP-211, KIP-496. Kafka ages the offsets of an empty group by the time at which it became empty alone,
    ///   and so drops what an administrator has just reset; here a later commit counts.
    var offsetAging: OffsetAging {
        if protocolType?.isEmpty ?? true { return .sinceCommit }
        switch state {
        case .empty: return stateTimestamp.map(OffsetAging.sinceEmpty) ?? .sinceCommit
        case .stable: return usesConsumerProtocol && subscribedTopics != nil ? .sinceCommit : .never
        case .preparingRebalance, .completingRebalance: return .never
        }
    }

    /// What the members of this generation subscribe to. Only consumers say it in a form that is known.
    func readSubscribedTopics() -> Set<String>? {
        guard usesConsumerProtocol else { return nil }
        if members.isEmpty { return [] }
        guard let protocolName else { return nil }
        var topics: Set<String> = []
        for member in members.values {
            guard let metadata = member.metadata(of: protocolName), let subscribed = Self.topics(in: metadata) else {
                return nil
            }
            topics.formUnion(subscribed)
        }
        return topics
    }

    /// The topics of a subscription of any version: every version begins like version 0.
    private static func topics(in metadata: Bytes) -> [String]? {
        guard metadata.count >= 2 else { return nil }
        var reader = WireReader(metadata[2..<metadata.count])
        return try? ConsumerProtocolSubscription(from: &reader, version: 0).topics
    }
}
