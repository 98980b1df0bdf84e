import Controller
package import Metadata

extension FeatureReport {
    /// What ApiVersions tells of features, by the newest image.
    package init(_ image: MetadataImage) {
        self.init()
        supported = ClusterFeatures.supported.map { Supported(name: $0.name, levels: $0.levels) }
        guard image.features.metadataVersion != nil else { return }
        finalized = image.features.sorted.map { Finalized(name: $0.name, level: $0.level) }
        finalizedEpoch = image.provenance.end
    }
}
