import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import World

/// `martlet perf produce`: batches of one size, a fixed number of them in flight on each partition.
struct PerfProduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce", abstract: "Produce batches with a fixed number in flight.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(name: .customLong("batch-bytes"), help: "Bytes of a batch.") var batchBytes = 65_536
    @Option(name: .customLong("record-bytes"), help: "Bytes of a record; one record a batch if left out.")
    var recordBytes: Int?
    @Option(name: .customLong("in-flight"), help: "Requests in flight on each partition.") var inFlight = 8
    @Option(help: "Connections to each partition, each with its own requests in flight.") var connections = 1
    @Option(help: "MiB to produce over all partitions.") var mebibytes = 1_024
    @Option(name: .customLong("warm-up-mebibytes"), help: "MiB to produce before it is measured.") var warmUp = 64
    @Option(help: "all, 1.") var acks = "all"

    func run() async throws {
        let setup = ProduceSetup(
            batchBytes: batchBytes, recordBytes: recordBytes, inFlight: inFlight, connections: max(connections, 1),
            acks: acks == "all" ? -1 : 1)
        let cluster = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await topic.prepare(cluster)
        let run = PerfRun(cluster: cluster, topic: topic)
        if warmUp > 0 { _ = try await setup.produce(run, bytes: warmUp << 20) }
        print(run.line("produce", try await setup.produce(run, bytes: mebibytes << 20)))
    }
}

/// `martlet perf latency`: one small batch at a time; the time from sending to the answer.
struct PerfLatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "Produce one batch at a time, and tell how long each took.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(name: .customLong("batch-bytes"), help: "Bytes of a batch.") var batchBytes = 1_024
    @Option(help: "Batches to produce.") var count = 16_384
    @Option(name: .customLong("warm-up-count"), help: "Batches to produce before it is measured.") var warmUp = 2_000
    @Option(help: "all, 1.") var acks = "all"

    func run() async throws {
        let setup = ProduceSetup(batchBytes: batchBytes, recordBytes: nil, inFlight: 1, acks: acks == "all" ? -1 : 1)
        let cluster = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await topic.prepare(cluster)
        let run = PerfRun(cluster: cluster, topic: topic)
        if warmUp > 0 { _ = try await setup.produce(run, bytes: warmUp * batchBytes) }
        print(run.line("latency", try await setup.produce(run, bytes: count * batchBytes)))
    }
}

/// How a produce run is set up.
struct ProduceSetup {
    let batchBytes: Int
    /// Nil: one record a batch.
    let recordBytes: Int?
    let inFlight: Int
    /// To each partition.
    var connections = 1
    let acks: Int16

    /// Bytes of a batch that are not the value of its one record, roughly.
    private static let overheadBytes = 72

    func produce(_ run: PerfRun, bytes: Int) async throws -> PerfRun.Outcome {
        let places = try run.topic.places(run.cluster)
        let record = recordBytes ?? max(batchBytes - ProduceSetup.overheadBytes, 1)
        let batch = ProduceLoad.batch(
            batchBytes: batchBytes, recordBytes: record, now: run.cluster.runtime.clock.timeOfDay)
        let lanes = places.flatMap { place in Array(repeating: place, count: connections) }
        let count = max(bytes / batch.count / max(lanes.count, 1), 1)
        let loads = lanes.map { place, leader in
            (load: ProduceLoad(place: place, batch: batch, acks: acks, count: count), leader: leader)
        }
        return try await run.run(lanes: loads, inFlight: inFlight)
    }
}
