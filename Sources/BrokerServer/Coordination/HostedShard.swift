package import Coordinators
package import Metadata

/// A shard as its host feeds it with what it goes by of the cluster's metadata.
package protocol HostedShard: CoordinatorShard {
    /// What of the cluster's metadata the shards of a node go by.
    associatedtype Known: Sendable

    /// What is known before the first image.
    static var nothingKnown: Known { get }

    /// What is known after a change.
    ///
    /// - Returns: nil where nothing changed that shards go by; else also the topics that did, nil for any.
    static func following(
        _ known: Known, _ image: MetadataImage, _ delta: MetadataDelta, _ settings: Settings
    ) -> (next: Known, changed: Set<String>?)?

    /// Starts a shard from the replayed log. `start` is to be called next.
    static func make(settings: Settings, loaded image: Image, knowing known: Known, at time: CoordinatorTime) -> Self

    /// What is known has changed: in these topics, or in any where nil.
    mutating func metadataChanged(_ known: Known, changed: Set<String>?)
}

extension GroupShard: HostedShard {
    package static var nothingKnown: GroupMetadata { GroupMetadata() }

    package static func following(
        _ known: GroupMetadata, _ image: MetadataImage, _ delta: MetadataDelta, _ settings: GroupConfiguration
    ) -> (next: GroupMetadata, changed: Set<String>?)? {
        known.following(image, delta, settings)
    }

    package static func make(
        settings: GroupConfiguration, loaded image: GroupImage, knowing known: GroupMetadata, at time: CoordinatorTime
    ) -> GroupShard {
        GroupShard(
            settings: settings, loaded: image, topics: known.topics, ownLimits: known.ownLimits, at: time)
    }

    package mutating func metadataChanged(_ known: GroupMetadata, changed: Set<String>?) {
        ownLimits = known.ownLimits
        topicsChanged(known.topics, changed: changed)
    }
}

extension TransactionShard: HostedShard {
    /// Transactions go by nothing but their log.
    package static var nothingKnown: Bool { true }

    package static func following(
        _ known: Bool, _ image: MetadataImage, _ delta: MetadataDelta, _ settings: TransactionConfiguration
    ) -> (next: Bool, changed: Set<String>?)? { nil }

    package static func make(
        settings: TransactionConfiguration, loaded image: TransactionImage, knowing known: Bool,
        at time: CoordinatorTime
    ) -> TransactionShard {
        TransactionShard(settings: settings, loaded: image, at: time)
    }

    package mutating func metadataChanged(_ known: Bool, changed: Set<String>?) {}
}
