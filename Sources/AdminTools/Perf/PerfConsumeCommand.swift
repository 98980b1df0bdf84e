import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import World

/// `martlet perf consume`: reads what is there, one fetch at a time on each connection.
struct PerfConsumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume", abstract: "Fetch what a topic holds, from its start.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(name: .customLong("fetch-bytes"), help: "The most bytes of one answer.") var fetchBytes: Int32 = 1 << 20
    @Option(help: "Connections for each partition.") var consumers = 1
    @Option(help: "MiB to read on each connection, or what is there.") var mebibytes = 1_024
    @Option(name: .customLong("warm-up-mebibytes"), help: "MiB to read before it is measured.") var warmUp = 64

    func run() async throws {
        let cluster = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await topic.prepare(cluster)
        let run = PerfRun(cluster: cluster, topic: topic)
        if warmUp > 0 { _ = try await consume(run, bytes: warmUp << 20) }
        print(run.line("consume", try await consume(run, bytes: mebibytes << 20)))
    }

    private func consume(_ run: PerfRun, bytes: Int) async throws -> PerfRun.Outcome {
        let places = try topic.places(run.cluster)
        let lanes = (0..<consumers).flatMap { _ in
            places.map { place, leader in
                (load: ConsumeLoad(place: place, fetchBytes: fetchBytes, bytes: bytes), leader: leader)
            }
        }
        return try await run.run(lanes: lanes, inFlight: 1)
    }
}
