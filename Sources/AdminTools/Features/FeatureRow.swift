import WireMessages

/// A line of `features describe`.
struct FeatureRow: Hashable {
    let name: String
    let least: Int16
    let greatest: Int16
    let finalized: Int16
    /// Of the finalized levels; nil where there are none.
    let epoch: Int64?

    /// What a node told, ordered by name. A feature that can't be switched on is none.
    static func rows(_ response: ApiVersionsResponse) -> [FeatureRow] {
        let epoch = response.finalizedFeaturesEpoch
        return response.supportedFeatures.filter { $0.maxVersion > 0 }.map { supported in
            let finalized = response.finalizedFeatures.first { $0.name == supported.name }?.maxVersionLevel
            return FeatureRow(
                name: supported.name, least: supported.minVersion, greatest: supported.maxVersion,
                finalized: finalized ?? 0, epoch: epoch < 0 ? nil : epoch)
        }.sorted { $0.name < $1.name }
    }

    /// In the columns of Kafka 4.3.
    var line: String {
        let values = [text(least), text(greatest), text(finalized)].map { FeatureRow.padded($0, 17) }
        let epoch = epoch.map(String.init) ?? "-"
        return "Feature: \(FeatureRow.padded(name, 42))SupportedMinVersion: \(values[0])"
            + "SupportedMaxVersion: \(values[1])FinalizedVersionLevel: \(values[2])Epoch: \(epoch)"
    }

    var json: JSONValue {
        [
            "feature": .text(name), "supportedMinVersion": .integer(Int64(least)),
            "supportedMaxVersion": .integer(Int64(greatest)), "finalizedVersionLevel": .integer(Int64(finalized)),
            "epoch": epoch.map { .integer($0) } ?? .null,
        ]
    }

    /// A release's name for a level of `metadata.version`, the number for others.
    private func text(_ level: Int16) -> String {
        guard name == ReleaseFeatures.metadataVersion else { return "\(level)" }
        return ReleaseFeatures.release(ofLevel: level)?.name ?? "UNKNOWN [\(level)]"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 1))
    }
}
