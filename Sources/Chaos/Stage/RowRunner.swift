import ClientCore
import Histories
import LiveWorld
import LocalCluster
import MartletClient
import Primitives
import World

/// Runs one row: a fresh cluster, the load, the fault, the oracle.
package struct RowRunner: Sendable {
    /// What a run is asked for.
    package struct Settings: Sendable {
        /// Where the clusters stand; each row has a folder of its own.
        package var directory: String
        package var basePort: Int
        package var rounds = 1
        /// How long a fault lasts; nil for the row's own choice.
        package var faultMilliseconds: Int64?
        package var seed: UInt64
        /// Whether clusters stay after a success.
        package var keeps = false
        package var prints = true
        /// The built `Tests/Shims/machine.c`, for the rows that need it.
        package var shimLibrary: String?
        /// The `martlet` of another release, for the row of mixed releases.
        package var otherProgram: String?

        package init(directory: String, basePort: Int, seed: UInt64) {
            self.directory = directory
            self.basePort = basePort
            self.seed = seed
        }
    }

    private static let readySecondsMax = 120
    private static let steadyMilliseconds: Int64 = 2_000
    private static let writers: ClosedRange<Int32> = 1...4
    private static let operationsPerSecond: Int64 = 45
    private static let requestMillisecondsMax: Int64 = 3_000
    private static let drainMillisecondsMax: Int64 = 180_000
    private static let group = "chaos-group"

    private let settings: Settings
    private let clock = SystemClock()
    private let files = PosixFileStore()

    package init(_ settings: Settings) { self.settings = settings }

    /// Runs the row and says what became of it. Nothing goes on running afterwards.
    package func run(_ row: ChaosRow) async -> RowReport {
        var row = row
        // One for each row: what a row left behind on the way to its nodes' ports shall find no place in the next one.
        row.topic.name += "-" + row.id.lowercased()
        row.topic.isTransactional = row.transactionWriters > 0
        if let reason = Machinery.missing(for: row, settings) {
            return RowReport(row: row.id, outcome: .notRun(reason))
        }
        let directory = ClusterDirectory(path: "\(settings.directory)/\(row.id)", files: files)
        do {
            var generator = SeededGenerator(seed: settings.seed)
            let overrides = row.overrides + linkOverrides(row) + diskOverrides(row, directory)
            let plan = try ClusterPlan(
                clusterID: UUID128.random(using: &generator).description, nodeCount: row.nodeCount,
                basePort: settings.basePort, overrides: overrides)
            guard !directory.holdsCluster else {
                throw ChaosError(
                    "\(directory.path) holds a cluster of an earlier run: remove it, or name another --dir")
            }
            try directory.write(plan)
            let processes = NodeProcesses(directory: directory, plan: plan, clock: clock)
            let report: RowReport
            do {
                report = try await run(row, processes)
            } catch {
                try? await killAll(processes)
                throw error
            }
            try await killAll(processes)
            if !report.isFailure, !settings.keeps { try directory.remove() }
            return report
        } catch { return RowReport(row: row.id, outcome: .failed(["\(error)"])) }
    }

    private func linkOverrides(_ row: ChaosRow) -> [String] {
        guard row.needs.contains(.links) else { return [] }
        return LinkProxy.overrides(nodes: 1...row.nodeCount, basePort: settings.basePort)
    }

    private func diskOverrides(_ row: ChaosRow, _ directory: ClusterDirectory) -> [String] {
        guard row.needs.contains(.twoDisks) else { return [] }
        let first = "\(directory.path)/node-{node}/data"
        return ["log.dirs=\(first),\(first)\(ReplicaComparison.secondSuffix)"]
    }

    private func killAll(_ processes: NodeProcesses) async throws {
        for node in processes.plan.nodes {
            switch try processes.state(of: node) {
            case .running, .paused: try await processes.kill(node)
            case .crashed, .stopped: break
            }
        }
    }

    private func run(_ row: ChaosRow, _ processes: NodeProcesses) async throws -> RowReport {
        let machinery = try await Machinery(for: row, processes, library: settings.shimLibrary)
        do {
            let report = try await run(row, processes, machinery)
            await machinery.proxy?.close()
            return report
        } catch {
            await machinery.proxy?.close()
            throw error
        }
    }

    private func run(
        _ row: ChaosRow, _ processes: NodeProcesses, _ machinery: Machinery
    ) async throws -> RowReport {
        for node in processes.plan.nodes {
            _ = try processes.start(
                node, program: row.needs.contains(.otherRelease) ? settings.otherProgram : nil,
                environment: machinery.shims[node]?.environment ?? [])
        }
        try await Readiness(processes: processes, clock: clock).wait(secondsMax: RowRunner.readySecondsMax)
        var configuration = ClientConfiguration(bootstrapServers: processes.plan.bootstrapServers, clientID: "chaos")
        configuration.bootstrapTimeoutMilliseconds = 120_000
        // A silent node shall not hold the load up for the default of 30 s.
        configuration.requestTimeoutMilliseconds = RowRunner.requestMillisecondsMax
        let admin = try Admin(configuration)
        defer { admin.close() }
        try await makeTopic(row.topic, admin, processes.plan)
        let stage = try makeStage(row, processes, machinery, configuration, admin)
        try await stage.awaitHealed()
        let kept = CoordinationTopic(admin: admin, clock: clock, nodes: processes.plan.nodes)
        try await kept.make(.groups) { await stage.pass($0) }
        if row.topic.isTransactional { try await kept.make(.transactions) { await stage.pass($0) } }

        let load = RunningLoad(
            stage.topic, configuration, stage.recorder, watch: stage.watch, clock: clock, group: RowRunner.group,
            writers: RowRunner.writers, operationsPerSecond: RowRunner.operationsPerSecond,
            transactions: row.transactionWriters)
        do {
            await stage.pass(RowRunner.steadyMilliseconds)
            let before = usage(processes)
            for round in 0..<settings.rounds {
                if settings.rounds > 1 { stage.note("round \(round + 1) of \(settings.rounds)") }
                try await row.round(stage, round)
                try await stage.awaitHealed()
                await stage.pass(RowRunner.steadyMilliseconds / 2)
            }
            compare(before, usage(processes), stage)
            try await load.stop()
        } catch {
            await load.abandon()
            throw error
        }
        return try await judge(row, stage, load, admin, configuration)
    }

    private func makeTopic(_ topic: LoadTopic, _ admin: Admin, _ plan: ClusterPlan) async throws {
        let configs = topic.configs.map { line in
            let parts = line.split(separator: "=", maxSplits: 1)
            return (String(parts[0]), String(parts[1]))
        }
        do throws(ClientError) {
            try await admin.createTopic(
                topic.name, partitions: topic.partitionCount, replicationFactor: Int16(plan.replicationFactor),
                configs: configs)
        } catch {
            // Asked for twice, as the first answer came too late: the cluster is fresh, so it is ours.
            guard error.code == .topicAlreadyExists else { throw error }
        }
    }

    private func makeStage(
        _ row: ChaosRow, _ processes: NodeProcesses, _ machinery: Machinery, _ configuration: ClientConfiguration,
        _ admin: Admin
    ) throws -> ChaosStage {
        let timeline = Timeline(start: clock.now, prints: settings.prints)
        let recorder = try HistoryRecorder(
            path: "\(processes.directory.path)/history.txt", files: files, clock: clock)
        let check = ServiceCheck(
            cluster: admin.cluster, endpoints: processes.plan.nodes.map { processes.plan.clientEndpoint(of: $0) },
            topic: row.topic)
        return ChaosStage(
            processes: processes, topic: row.topic, recorder: recorder, timeline: timeline,
            watch: try ClusterWatch(configuration, row.topic, timeline, clock: clock), check: check,
            machinery: machinery, admin: admin, clock: clock, otherProgram: settings.otherProgram,
            wantedFaultMilliseconds: settings.faultMilliseconds,
            seed: settings.seed)
    }

    // MARK: what is judged

    private func usage(_ processes: NodeProcesses) -> [Int: NodeUsage] {
        var usage: [Int: NodeUsage] = [:]
        for node in processes.plan.nodes {
            if case .running(let process)? = try? processes.state(of: node) { usage[node] = NodeUsage(of: process) }
        }
        return usage
    }

    private func compare(_ before: [Int: NodeUsage], _ after: [Int: NodeUsage], _ stage: ChaosStage) {
        for (node, was) in before.sorted(by: { $0.key < $1.key }) {
            if let growth = after[node]?.growth(since: was) { stage.problem("C10: node \(node) holds more: \(growth)") }
        }
    }

    private func judge(
        _ row: ChaosRow, _ stage: ChaosStage, _ load: RunningLoad, _ admin: Admin,
        _ configuration: ClientConfiguration
    ) async throws -> RowReport {
        let ends = try await stage.ends(of: stage.topic)
        if stage.topic.isTransactional { try await stage.awaitDecided(stage.topic, upTo: ends) }
        try await load.drain(
            upTo: ends, until: clock.now.advanced(byMilliseconds: RowRunner.drainMillisecondsMax), configuration)
        for garbled in load.garbledRecords {
            stage.problem("C1: a reader got other bytes than were written: \(garbled)")
        }
        try await checkCommits(load, admin, stage)
        try stage.checkAlive()
        let history = try stage.recorder.finish()
        let verdict: Verdict
        do throws(HistoryError) { verdict = try HistoryChecker.check(history) } catch {
            throw ChaosError("the history can't be judged: \(error)")
        }
        for tally in verdict.tallies where !tally.isAllowed {
            stage.problem("C1/C5: \(tally.anomaly.rawValue), \(tally.count) times: \(tally.examples[0].text)")
        }
        let bytes = try await compareReplicas(stage)
        var lines = figures(stage)
        lines.append("\(bytes) bytes of all replicas compared")
        if let line = load.transactionLine { lines.append(line) }
        lines += stage.remarks
        lines += verdict.description.split(separator: "\n").map(String.init)
        let problems = stage.problems
        return RowReport(row: row.id, outcome: problems.isEmpty ? .passed : .failed(problems), lines: lines)
    }

    /// What a group has committed never goes back (C6).
    private func checkCommits(_ load: RunningLoad, _ admin: Admin, _ stage: ChaosStage) async throws {
        let kept = try await admin.committedPositions(of: RowRunner.group)
        for (partition, position) in load.committedPositions.sorted(by: { $0.key < $1.key }) {
            let place = TopicPartition(stage.topic.name, PartitionIndex(partition))
            let found = kept[place]?.offset.value ?? -1
            if found < position {
                stage.problem("C6: \(stage.topic.key(partition)) was committed at \(position) and stands at \(found)")
            }
        }
    }

    /// Ends all nodes and compares what they have (C2); returns how many bytes that were. By kill -9, as the last nodes
    /// of a cluster have nobody left who could take their leaderships over, and would wait for that.
    private func compareReplicas(_ stage: ChaosStage) async throws -> Int {
        try await stage.awaitHealed()
        // Followers fetch the last records within a round trip of the last acknowledgement.
        await stage.pass(RowRunner.steadyMilliseconds / 2)
        for node in stage.nodes { try await stage.end(node) }
        let comparison = ReplicaComparison(
            directory: stage.processes.directory, nodes: stage.nodes, topic: stage.topic, files: files)
        let (bytes, differences) = try comparison.run()
        for difference in differences { stage.problem("C2: replicas differ: \(difference)") }
        return bytes
    }

    private func figures(_ stage: ChaosStage) -> [String] {
        var lines: [String] = []
        let answers = stage.faults.flatMap { fault in
            stage.recorder.firstAnswers(after: fault, partitionCount: stage.topic.partitionCount).compactMap { $0 }
        }.sorted()
        if let last = answers.last {
            let p99 = answers[min(answers.count - 1, answers.count * 99 / 100)]
            lines.append(
                "from a fault to the next acknowledgement of each partition: p50 \(answers[answers.count / 2]) ms, "
                    + "p99 \(p99) ms, max \(last) ms")
        }
        if let gap = stage.recorder.longestGap() {
            let event = Timeline.Event(at: gap.from, text: "on \(stage.topic.key(gap.partition))")
            lines.append(
                "longest time without an acknowledgement: \(gap.milliseconds) ms, from \(stage.timeline.line(event))")
        }
        let changes = stage.watch.changes
        lines.append(
            "\(changes.leaders) changes of leaders, \(changes.controllerEpochs) epochs of the quorum; "
                + "\(stage.recorder.acknowledged) writes acknowledged, \(stage.recorder.unknown) without an answer")
        return lines
    }
}
