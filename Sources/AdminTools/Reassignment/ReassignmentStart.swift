import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `reassign-partitions --execute`.
struct ReassignmentStart {
    private let plan: ReassignmentFile
    private let isAdditional: Bool
    private let keepsFactor: Bool
    private let bytesPerSecond: Int64?
    private let directoryBytesPerSecond: Int64?

    /// - Errors: a plan that can't be executed.
    init(_ given: GivenOptions, _ plan: ReassignmentFile) throws(ToolFailure) {
        try plan.checkExecutable()
        self.plan = plan
        isAdditional = given.has(ReassignmentOptions.additional)
        keepsFactor = given.has(ReassignmentOptions.keepsFactor)
        bytesPerSecond = try ReassignmentStart.rate(ReassignmentOptions.throttle, given)
        directoryBytesPerSecond = try ReassignmentStart.rate(ReassignmentOptions.directoryThrottle, given)
    }

    /// A rate below zero is none.
    private static func rate(_ option: ToolOption, _ given: GivenOptions) throws(ToolFailure) -> Int64? {
        guard let rate: Int64 = try given.number(option), rate >= 0 else { return nil }
        return rate
    }

    private static let existing =
        "Cannot execute because there is an existing partition assignment.  Use --additional to override this and "
        + "create a new partition assignment in addition to the existing one. The --additional flag can also be used "
        + "to change the throttle by resubmitting the current reassignment."

    func run(_ admin: Admin, _ directoryMoves: DirectoryMoves) async throws {
        let targets = plan.targets
        let ongoing = try await admin.reassignments()
        if !isAdditional, !ongoing.isEmpty { throw ToolFailure(ReassignmentStart.existing, on: .output) }
        let living = Set(try await admin.describeNodes().brokers.map(\.brokerID))
        if let unknown = Set(targets.values.joined()).subtracting(living).min() {
            throw ToolFailure("Unknown broker id \(unknown)")
        }
        try await directoryMoves.checkSupport(of: plan.directories)
        let current = try await CurrentAssignments.ofPartitions(targets.keys, admin)
        print("Current partition replica assignment\n\n\(ReassignmentFile.json(current))\n")
        print("Save this to use as the --reassignment-json-file option during rollback")
        if bytesPerSecond != nil || directoryBytesPerSecond != nil {
            print(
                "Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle "
                    + "is removed.")
        }
        if let bytesPerSecond {
            let moves = ReplicationThrottles.moves(ongoing, targets: targets, current: current)
            try await admin.alterConfigs(ReplicationThrottles.changes(moves, bytesPerSecond: bytesPerSecond))
            print("The inter-broker throttle limit was set to \(bytesPerSecond) B/s")
        }
        if let directoryBytesPerSecond {
            let brokers = Set(plan.directories.keys.map(\.broker))
            try await admin.alterConfigs(
                ReplicationThrottles.directoryChanges(brokers, bytesPerSecond: directoryBytesPerSecond))
            print("The replica-alter-dir throttle limit was set to \(directoryBytesPerSecond) B/s")
        }
        try await start(targets, admin)
        if !plan.directories.isEmpty { try await directoryMoves.start(plan.directories) }
    }

    private func start(_ targets: [TopicPartition: [BrokerID]], _ admin: Admin) async throws {
        let refused = try await admin.reassign(targets.mapValues { $0 }, allowsFactorChange: !keepsFactor)
        guard refused.isEmpty else {
            let lines = refused.sorted { $0.key < $1.key }.map { "\($0.key): \(ExceptionText.message(of: $0.value))" }
            throw ToolFailure("Error reassigning partition(s):\n\(lines.joined(separator: "\n"))", on: .output)
        }
        let names = targets.keys.sorted().map(\.description).joined(separator: ",")
        print("Successfully started partition reassignment\(targets.count == 1 ? "" : "s") for \(names)")
    }
}
