import WireMessages

/// The finalized level of each feature.
package struct FeaturesImage: Hashable, Sendable {
    package static let metadataVersionName = "metadata.version"
    /// The feature of KIP-853, which is finalized by the quorum itself.
    package static let kraftVersionName = "kraft.version"
    private var levels: [String: Int16] = [:]

    package init() {}

    /// The finalized level; nil if the feature is off.
    package subscript(_ name: String) -> Int16? { levels[name] }

    /// The level of `metadata.version`; nil before the first record of a fresh log.
    package var metadataVersion: Int16? { levels[FeaturesImage.metadataVersionName] }

    /// The level at which records are written: before the first record of a fresh log none depends on it.
    package var recordLevel: Int16 { metadataVersion ?? MetadataRecordFrame.eligibleReplicasLevel }

    /// All finalized features, ordered by name.
    package var sorted: [(name: String, level: Int16)] {
        levels.sorted { $0.key < $1.key }.map { (name: $0.key, level: $0.value) }
    }

    mutating func apply(_ record: FeatureLevelRecord) {
        // It stands in control records; where Kafka 4.0 wrote it here too it is only in the way (KAFKA-18979).
        guard record.name != FeaturesImage.kraftVersionName else { return }
        levels[record.name] = record.featureLevel == 0 ? nil : record.featureLevel
    }

    /// `metadata.version` first: it says how to read the rest.
    var records: [MetadataRecord] {
        sorted.sorted { $0.name == FeaturesImage.metadataVersionName && $1.name != FeaturesImage.metadataVersionName }
            .map { feature in
                var record = FeatureLevelRecord()
                record.name = feature.name
                record.featureLevel = feature.level
                return .featureLevel(record)
            }
    }
}
