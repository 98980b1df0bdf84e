import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol
import World

/// `martlet perf read-committed`: transactions at a fixed pace, and the time from the first record's sending until a
/// `read_committed` consumer has it.
struct PerfReadCommittedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read-committed", abstract: "Tell how long records of transactions take to a consumer.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(help: "Producers, each with a transactional id of its own.") var producers = 10
    @Option(help: "Transactions a second, of all producers together.") var rate = 100
    @Option(help: "Records of a transaction.") var records = 1
    @Option(name: .customLong("record-bytes"), help: "Bytes of a record.") var recordBytes = 100
    @Option(help: "Seconds to measure.") var seconds = 20
    @Option(name: .customLong("warm-up-seconds"), help: "Seconds before it is measured.") var warmUp = 3

    func run() async throws {
        guard producers > 0, rate > 0, records > 0, seconds > 0, warmUp >= 0 else {
            throw ToolFailure("--producers, --rate, --records and --seconds must be greater than 0")
        }
        let cluster = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await topic.prepare(cluster)
        guard let place = try topic.places(cluster).first?.place else {
            throw ToolFailure("The topic has no partition")
        }
        let total = rate * (seconds + warmUp) / producers
        let reader = CommittedReader(cluster: cluster, place: place)
        let end = try await Admin(cluster).offsets(of: [place], at: .latest)[place] ?? .zero
        let outcome = try await PerfRun(cluster: cluster, topic: topic).measured { group in
            for write in try await writes(to: place) {
                group.addTask {
                    try await write.run(count: total)
                    return LaneReport()
                }
            }
            let (expected, skipped) = (total * producers * records, rate * warmUp * records)
            group.addTask { try await reader.read(expected, from: end, skipping: skipped) }
        }
        print(PerfRun(cluster: cluster, topic: topic).line("read-committed", outcome))
    }

    private func writes(to place: TopicPartition) async throws -> [PacedTransactions] {
        var writes: [PacedTransactions] = []
        for number in 0..<producers {
            let client = try await TransactionLoad.client(connection, topic: topic.name)
            writes.append(
                PacedTransactions(
                    load: TransactionLoad(
                        cluster: client, place: place, batches: [],
                        transactionalID: "\(topic.name)-\(number)"),
                    cluster: client, records: records, recordBytes: recordBytes,
                    intervalNanoseconds: Int64(producers) * 1_000_000_000 / Int64(rate),
                    firstNanoseconds: Int64(number) * 1_000_000_000 / Int64(rate)))
        }
        return writes
    }
}

/// One producer's transactions at fixed instants, late ones as soon as possible.
private struct PacedTransactions: Sendable {
    let load: TransactionLoad
    let cluster: ClusterClient
    let records: Int
    let recordBytes: Int
    let intervalNanoseconds: Int64
    let firstNanoseconds: Int64

    func run(count: Int) async throws {
        var load = load
        try await load.begin()
        let start = cluster.runtime.clock.now.value + firstNanoseconds
        for number in 0..<count {
            let due = start + Int64(number) * intervalNanoseconds
            let wait = (due - cluster.runtime.clock.now.value) / 1_000_000
            if wait > 0 { await cluster.runtime.sleep(milliseconds: wait) }
            var builder = RecordBatchBuilder()
            let now = cluster.runtime.clock.now.value
            let time = cluster.runtime.clock.timeOfDay
            for _ in 0..<records { builder.append(timestamp: time, key: nil, value: value(now)) }
            _ = try await load.produce(builder)
            try await load.commit()
        }
    }

    /// Begins with the instant at which it is sent.
    private func value(_ now: Int64) -> Bytes {
        var bytes = (0..<8).map { UInt8(truncatingIfNeeded: now >> (56 - 8 * Int64($0))) }
        if bytes.count < recordBytes { bytes += [UInt8](repeating: 0x2e, count: recordBytes - bytes.count) }
        return Bytes(bytes)
    }

}

/// Reads one partition as far as it is committed, and takes the time of each record.
private struct CommittedReader: Sendable {
    let cluster: ClusterClient
    let place: TopicPartition

    /// The last version with topic names.
    private static let version: Int16 = 12
    private static let readCommitted: Int8 = 1

    /// Reads what is written from `start` on, until so many records have come; the first ones are not reported.
    func read(_ expected: Int, from start: Offset, skipping skipped: Int) async throws -> LaneReport {
        var report = LaneReport()
        var (seen, position) = (0, start)
        while seen < expected {
            guard let leader = cluster.view.partition(place)?.leader else {
                throw ToolFailure("\(place) has no leader")
            }
            let response = try await cluster.send(
                request(position), to: .broker(leader), upTo: CommittedReader.version)
            let answer = response.responses.first?.partitions.first
            if let error = answer?.errorCode, error != .noError { throw ClientError(code: error) }
            let decoded = try BatchCoding.decode(
                answer?.records ?? .empty, of: place, from: position,
                skipping: (answer?.abortedTransactions ?? []).map {
                    FetchQuestion.AbortedRange(producer: $0.producerID, firstOffset: $0.firstOffset)
                })
            let now = cluster.runtime.clock.now.value
            for record in decoded.records {
                seen += 1
                guard seen > skipped, let value = record.value, value.count >= 8 else { continue }
                report.latencies.append(now - value.bigEndian(Int64.self, at: 0))
                report.bytes += value.count
                report.requests += 1
            }
            position = decoded.end
        }
        return report
    }

    private func request(_ position: Offset) -> FetchRequest {
        var partition = FetchRequest.FetchPartition()
        partition.partition = place.partition
        partition.fetchOffset = position
        partition.partitionMaxBytes = 1 << 20
        var topic = FetchRequest.FetchTopic()
        topic.topic = place.topic
        topic.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMilliseconds = 500
        request.minBytes = 1
        request.maxBytes = 1 << 20
        request.isolationLevel = CommittedReader.readCommitted
        request.topics = [topic]
        return request
    }
}
