import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// The topic in which groups keep their positions: made before a row begins, as half a hundred logs that are opened
/// while it runs would look like descriptors that are never given back (C10).
struct CommittedPositionsTopic {
    private static let name = "__consumer_offsets"
    private static let millisecondsMax: Int64 = 60_000

    let admin: Admin
    let clock: any Clock
    let nodes: ClosedRange<Int>

    /// Has the topic made, and waits until every replica of it has its log.
    func make(for group: String, pass: (Int64) async -> Void) async throws {
        _ = try await admin.coordinator(of: group)
        try await admin.cluster.refresh(topics: [CommittedPositionsTopic.name])
        let partitions = admin.cluster.view.topics[CommittedPositionsTopic.name]?.partitions ?? []
        let wanted = partitions.reduce(0) { $0 + $1.replicas.count }
        let end = clock.now.advanced(byMilliseconds: CommittedPositionsTopic.millisecondsMax)
        while clock.now < end {
            if wanted > 0, try await openLogs() == wanted { return }
            await pass(50)
        }
        throw ChaosError("\(CommittedPositionsTopic.name) has not all its \(wanted) logs after a minute")
    }

    private func openLogs() async throws -> Int {
        var count = 0
        for node in nodes {
            for directory in try await admin.logDirs(of: BrokerID(Int32(node))) {
                let topics = directory.topics.filter { $0.name == CommittedPositionsTopic.name }
                count += topics.reduce(0) { $0 + $1.partitions.count }
            }
        }
        return count
    }
}
