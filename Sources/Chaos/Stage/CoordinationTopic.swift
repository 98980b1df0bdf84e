import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// The topics in which coordinators keep what they know: made before a row begins, as half a hundred logs that are
/// opened while it runs would look like descriptors that are never given back (C10).
struct CoordinationTopic {
    /// Whose coordinators.
    enum Subject: String {
        case groups = "__consumer_offsets"
        case transactions = "__transaction_state"
    }

    private static let anyKey = "chaos"
    private static let millisecondsMax: Int64 = 60_000

    let admin: Admin
    let clock: any Clock
    let nodes: ClosedRange<Int>

    /// Has the topic made, and waits until every replica of it has its log.
    func make(_ subject: Subject, pass: (Int64) async -> Void) async throws {
        switch subject {
        case .groups: _ = try await admin.coordinator(of: CoordinationTopic.anyKey)
        case .transactions: _ = try await admin.coordinator(ofTransactionalID: CoordinationTopic.anyKey)
        }
        try await admin.cluster.refresh(topics: [subject.rawValue])
        let partitions = admin.cluster.view.topics[subject.rawValue]?.partitions ?? []
        let wanted = partitions.reduce(0) { $0 + $1.replicas.count }
        let end = clock.now.advanced(byMilliseconds: CoordinationTopic.millisecondsMax)
        while clock.now < end {
            if wanted > 0, try await openLogs(of: subject.rawValue) == wanted { return }
            await pass(50)
        }
        throw ChaosError("\(subject.rawValue) has not all its \(wanted) logs after a minute")
    }

    private func openLogs(of name: String) async throws -> Int {
        var count = 0
        for node in nodes {
            for directory in try await admin.logDirs(of: BrokerID(Int32(node))) {
                let topics = directory.topics.filter { $0.name == name }
                count += topics.reduce(0) { $0 + $1.partitions.count }
            }
        }
        return count
    }
}
