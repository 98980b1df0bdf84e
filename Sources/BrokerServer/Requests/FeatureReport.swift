package import Primitives

/// What ApiVersions tells about features (KIP-584).
package struct FeatureReport: Hashable, Sendable {
    /// A feature and the levels of it that this release can do.
    package struct Supported: Hashable, Sendable {
        package let name: String
        package let levels: ClosedRange<Int16>

        package init(name: String, levels: ClosedRange<Int16>) {
            self.name = name
            self.levels = levels
        }
    }

    /// A feature and the level that the cluster has agreed on.
    package struct Finalized: Hashable, Sendable {
        package let name: String
        package let level: Int16

        package init(name: String, level: Int16) {
            self.name = name
            self.level = level
        }
    }

    package var supported: [Supported] = []
    package var finalized: [Finalized] = []
    /// The metadata offset that the finalized levels are of; nil before any are known.
    package var finalizedEpoch: Offset?

    package init() {}
}
