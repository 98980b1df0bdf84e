import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import World

/// `martlet perf transactions`: producers side by side, each with one batch after the other, first idempotent ones and
/// then transactional ones that commit as many records each: what transactions cost.
struct PerfTransactionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transactions", abstract: "Produce with and without transactions, in turn.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(help: "Producers, each with one request in flight.") var producers = 32
    @Option(help: "Records of a transaction.") var records = 100
    @Option(
        name: .customLong("batch-records"),
        help: "Records of a batch, if not all of a transaction's; 16 KiB are what many clients send at most.")
    var batchRecords: Int?
    @Option(name: .customLong("record-bytes"), help: "Bytes of a record.") var recordBytes = 1_024
    @Option(help: "Transactions' worth of records of each producer in each run.") var count = 200
    @Option(help: "Runs of each kind, in turn.") var rounds = 3

    func run() async throws {
        let inBatch = batchRecords ?? records
        guard producers > 0, records > 0, inBatch > 0, recordBytes > 0, count > 0 else {
            throw ToolFailure(
                "--producers, --records, --batch-records, --record-bytes and --count must be greater than 0")
        }
        let cluster = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await topic.prepare(cluster)
        let places = try topic.places(cluster).map(\.place)
        let batches = stride(from: 0, to: records, by: inBatch).map { sent in
            TransactionLoad.records(
                min(inBatch, records - sent), bytes: recordBytes, now: cluster.runtime.clock.timeOfDay)
        }
        var clients: [ClusterClient] = []
        for _ in 0..<producers { clients.append(try await TransactionLoad.client(connection, topic: topic.name)) }
        for round in 0..<(2 * rounds) {
            let isTransactional = round % 2 == 1
            let loads = (0..<producers).map { number in
                TransactionLoad(
                    cluster: clients[number], place: places[number % places.count], batches: batches,
                    transactionalID: isTransactional ? "\(topic.name)-\(number)" : nil)
            }
            let run = PerfRun(cluster: cluster, topic: topic)
            let outcome = try await run.run(loads, count: count)
            print(run.line(isTransactional ? "transactional" : "idempotent", outcome))
        }
    }
}

extension PerfRun {
    /// Runs the loads side by side; what they do before their first batch is not measured.
    fileprivate func run(_ loads: [TransactionLoad], count: Int) async throws -> Outcome {
        var ready: [TransactionLoad] = []
        for var load in loads {
            try await load.begin()
            ready.append(load)
        }
        return try await measured { group in
            for load in ready { group.addTask { try await load.run(count: count) } }
        }
    }
}
