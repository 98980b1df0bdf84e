package import Metadata
import WireMessages

/// The features that this release knows, and at which levels.
package enum ClusterFeatures {
    /// 4.2-IV1: the last level before 4.3's cordoned log directories, which are not built.
    package static let metadataVersion: Int16 = 29

    /// 4.0-IV0: the first level of Kafka 4.0. Older logs can be read, not written.
    package static let metadataVersionMin: Int16 = 22

    /// The feature of KIP-853, which is finalized by the quorum itself.
    package static let kraftVersionName = FeaturesImage.kraftVersionName

    /// The feature of KIP-966.
    static let eligibleLeaderReplicas = "eligible.leader.replicas.version"

    /// What a node of this release can work with: what it registers with.
    package static let supported: [SupportedFeature] = [
        SupportedFeature(name: "eligible.leader.replicas.version", levels: 0...1),
        SupportedFeature(name: "group.version", levels: 0...1),
        SupportedFeature(name: kraftVersionName, levels: 0...1),
        SupportedFeature(name: FeaturesImage.metadataVersionName, levels: metadataVersionMin...metadataVersion),
        SupportedFeature(name: "transaction.version", levels: 0...2),
    ]

    /// What a fresh cluster finalizes.
    package static let bootstrap: [BootstrapFeature] = [
        BootstrapFeature(name: FeaturesImage.metadataVersionName, level: metadataVersion),
        BootstrapFeature(name: "eligible.leader.replicas.version", level: 1),
        BootstrapFeature(name: "group.version", level: 1),
        BootstrapFeature(name: "transaction.version", level: 2),
    ]
}

/// A feature and the level at which a fresh cluster has it.
package struct BootstrapFeature: Hashable, Sendable {
    package let name: String
    package let level: Int16

    package init(name: String, level: Int16) {
        self.name = name
        self.level = level
    }
}
