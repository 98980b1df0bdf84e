import ClientCore
import MartletClient
import Primitives

/// `reassign-partitions --cancel`.
struct ReassignmentCancellation {
    private let plan: ReassignmentFile
    private let keepsThrottles: Bool

    init(_ given: GivenOptions, _ plan: ReassignmentFile) {
        self.plan = plan
        keepsThrottles = given.has(ReassignmentOptions.preserveThrottles)
    }

    func run(_ admin: Admin, _ directoryMoves: DirectoryMoves) async throws {
        let active = try await admin.reassignments(of: plan.targets.keys.sorted()).keys.sorted()
        if active.isEmpty {
            print("None of the specified partition reassignments are active.")
        } else {
            try await cancel(active, admin)
        }
        let back = try await directoryMoves.standings(plan.directories).compactMapValues(\.directoryToGoBackTo)
        if back.isEmpty {
            // Kafka's tool ends no line here.
            print("None of the specified partition moves are active.", terminator: "")
        } else {
            try await directoryMoves.start(back)
        }
        if !keepsThrottles { try await ReplicationThrottles.clear(plan, admin) }
    }

    private func cancel(_ active: [TopicPartition], _ admin: Admin) async throws {
        let nothing: [TopicPartition: [BrokerID]?] = Dictionary(uniqueKeysWithValues: active.map { ($0, nil) })
        // What has come to its end meanwhile needs no cancelling.
        let refused = try await admin.reassign(nothing).filter { $0.value.code != .noReassignmentInProgress }
        guard refused.isEmpty else {
            let lines = refused.sorted { $0.key < $1.key }.map { "\($0.key): \(ExceptionText.message(of: $0.value))" }
            throw ToolFailure(
                "Error cancelling partition reassignment\(refused.count == 1 ? "" : "s") for:\n"
                    + lines.joined(separator: "\n"), on: .output)
        }
        let names = active.map(\.description).joined(separator: ",")
        print("Successfully cancelled partition reassignment\(active.count == 1 ? "" : "s") for: \(names)")
    }
}
