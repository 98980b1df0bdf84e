import Controller
package import Metadata

extension FeatureReport {
    /// What ApiVersions tells of features, by the newest image.
    ///
    /// - Parameter kraftVersion: the level of `kraft.version`, which stands in control records and not in the image.
    package init(_ image: MetadataImage, kraftVersion: Int16 = 0) {
        self.init()
        supported = ClusterFeatures.supported.map { Supported(name: $0.name, levels: $0.levels) }
        guard image.features.metadataVersion != nil else { return }
        finalized = image.features.sorted.map { Finalized(name: $0.name, level: $0.level) }
        if kraftVersion > 0 {
            finalized.append(Finalized(name: ClusterFeatures.kraftVersionName, level: kraftVersion))
            finalized.sort { $0.name < $1.name }
        }
        finalizedEpoch = image.provenance.end
    }
}
