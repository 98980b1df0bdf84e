import Histories
import LocalCluster
import MartletClient
import Primitives

/// Applications that stand still, are taken for dead, and go on.
extension ChaosRow {
    /// The processes of the stopped applications in the history, and those that took their place.
    private static let zombieProcess: Int32 = 501
    private static let twinProcess: Int32 = 511
    private static let sessionMilliseconds: Int64 = 1_500
    private static let takenOver = Offset(20)

    static let applicationRows: [ChaosRow] = [
        ChaosRow(
            id: "F33",
            fault: "SIGSTOP an application within a transaction, start another one with the same transactional.id; "
                + "SIGCONT",
            promise: "the first is refused, and nothing of its transaction is read", overrides: coordinationOverrides,
            transactionWriters: 2
        ) { stage, round in
            for (index, aborts) in [false, true, false].enumerated() {
                try await replaced(stage, Int64(round * 10 + index), aborts: aborts)
            }
        },
        ChaosRow(
            id: "F35",
            fault: "SIGSTOP a member of a group until its partitions are another's; SIGCONT, and it commits; or it "
                + "leaves as one that does not poll, and commits",
            promise: "the commit is refused, what is committed stays", overrides: groupOverrides
        ) { stage, round in
            for kind in GroupKind.allCases {
                try await overslept(stage, kind, round)
                try await notPolled(stage, kind, round)
            }
        },
    ]

    /// Few partitions for the coordinators, and short times.
    static let coordinationOverrides = [
        "transaction.state.log.num.partitions=9", "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000",
        "offsets.topic.num.partitions=9",
    ]

    static let groupOverrides = [
        "offsets.topic.num.partitions=9", "group.min.session.timeout.ms=1000",
        "group.initial.rebalance.delay.ms=100", "group.consumer.min.session.timeout.ms=1000",
        "group.consumer.session.timeout.ms=\(sessionMilliseconds)", "group.consumer.min.heartbeat.interval.ms=200",
        "group.consumer.heartbeat.interval.ms=300",
    ]

    /// One application is stopped, another takes its id over, the first goes on.
    private static func replaced(_ stage: ChaosStage, _ number: Int64, aborts: Bool) async throws {
        let name = "application-\(number)"
        let values = Payload.values(of: zombieProcess, number, count: 2)
        let items = [Int32(0), 1].flatMap { partition in
            values.map { HistoryEvent.Item.write(key: stage.topic.key(partition), value: $0, .asOperation) }
        }
        stage.recorder.note(zombieProcess, .invoke, .txn, items)
        let zombie = try ApplicationProcess(
            stage, .producer, name: name,
            ["--process", String(zombieProcess), "--operation", String(number)] + (aborts ? ["--aborts"] : []))
        defer { zombie.end() }
        try await zombie.awaitHalf()
        stage.beginFault("SIGSTOP the application, which is about to \(aborts ? "abort" : "commit")")
        zombie.pause()
        let twin = TransactionWriter(
            process: twinProcess, id: name, stage.topic, stage.admin.cluster.configuration, stage.recorder,
            clock: stage.clock, TransactionWriter.Habits(), seed: UInt64(number), firstOperation: number * 10)
        var isCommitted = false
        while !isCommitted, let producer = try await twin.begin() {
            isCommitted = await twin.transaction(producer, givesUp: false) { _ in }
            // One that has just begun, so that the first finds another's transaction open.
            if isCommitted { _ = await twin.transaction(producer, givesUp: nil) { _ in } }
            producer.close()
        }
        stage.note("SIGCONT")
        let answer = try await zombie.goOn()
        stage.remark("the application that was stopped: \(answer)")
        let isRefused = ["PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"].contains { answer.hasSuffix($0) }
        if !isRefused { stage.problem("the application that was stopped is not refused: \(answer)") }
        stage.recorder.note(zombieProcess, answer == ApplicationProcess.ended ? .unknown : .fail, .txn)
    }

    /// A member stands still until the group takes it for dead.
    private static func overslept(_ stage: ChaosStage, _ kind: GroupKind, _ round: Int) async throws {
        let group = "overslept-\(kind.rawValue)-\(round)"
        let process = try ApplicationProcess(
            stage, .member, name: group, ["--kind", kind.rawValue, "--session", String(sessionMilliseconds)])
        defer { process.end() }
        try await process.awaitHalf()
        stage.beginFault("SIGSTOP the only member of the \(kind.rawValue) group")
        process.pause()
        let successor = try PlainMember(
            kind, group: group, topic: stage.topic.name, sessionMilliseconds: Int32(sessionMilliseconds),
            stage.admin.cluster.configuration)
        defer { successor.close() }
        try await successor.join()
        try await commit(successor, takenOver, stage)
        stage.note("another member has its partitions: SIGCONT")
        try await judge(stage, kind, group, answer: try await process.goOn())
    }

    /// A member leaves because its application does not poll, and commits afterwards.
    private static func notPolled(_ stage: ChaosStage, _ kind: GroupKind, _ round: Int) async throws {
        let group = "not-polled-\(kind.rawValue)-\(round)"
        let members = try (0..<2).map { _ in
            try PlainMember(
                kind, group: group, topic: stage.topic.name, sessionMilliseconds: Int32(sessionMilliseconds),
                stage.admin.cluster.configuration)
        }
        defer { for member in members { member.close() } }
        try await members[0].join()
        try await commit(members[0], ApplicationProcess.firstPosition, stage)
        stage.beginFault("a member of the \(kind.rawValue) group leaves, as its application does not poll")
        try await members[0].leave()
        try await members[1].join()
        try await commit(members[1], takenOver, stage)
        let error = try await members[0].commit(ApplicationProcess.latePosition)
        try await judge(stage, kind, group, answer: error.description)
    }

    private static func commit(_ member: PlainMember, _ position: Offset, _ stage: ChaosStage) async throws {
        let error = try await member.commit(position)
        if error != .noError { stage.problem("the commit of the owner is refused: \(error)") }
    }

    private static func judge(_ stage: ChaosStage, _ kind: GroupKind, _ group: String, answer: String) async throws {
        stage.remark("\(group): the late commit: \(answer)")
        let allowed = ["ILLEGAL_GENERATION", "FENCED_MEMBER_EPOCH", "UNKNOWN_MEMBER_ID", "STALE_MEMBER_EPOCH"]
        if !allowed.contains(where: { answer.hasSuffix($0) }) {
            stage.problem("\(group): the commit of a member that was replaced is not refused: \(answer)")
        }
        let kept = try await stage.admin.committedOffsets(of: group)[stage.topic.place(0)]
        if kept != takenOver { stage.problem("\(group): \(kept?.description ?? "nothing") is committed, not 20") }
    }
}
