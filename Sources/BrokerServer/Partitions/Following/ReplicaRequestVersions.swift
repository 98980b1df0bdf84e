import Metadata
import Synchronization

/// The newest versions in which replicas ask each other, by the finalized `metadata.version`: the two requests that
/// Kafka ties to the level, whatever a connection could speak. From any thread.
final class ReplicaRequestVersions: Sendable {
    private let level = Atomic<Int16>(.max)

    /// Goes by what is finalized now.
    func follow(_ features: FeaturesImage) { level.store(features.metadataVersion ?? .max, ordering: .relaxed) }

    /// Of Fetch: 18 came with 4.1-IV1 (27).
    var fetchMax: Int16 { level.load(ordering: .relaxed) >= 27 ? 18 : 17 }

    /// Of ListOffsets: 10 came with 4.0-IV3 (25), 11 with 4.2-IV1 (29).
    var listOffsetsMax: Int16 {
        switch level.load(ordering: .relaxed) {
        case 29...: 11
        case 25...: 10
        default: 9
        }
    }
}
