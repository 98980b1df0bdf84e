import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// Where partitions end, for all readers and for those of what is committed.
extension ChaosStage {
    /// Beyond the time after which a coordinator gives a transaction up.
    private static let decisionMillisecondsMax = Int64(TransactionWriter.timeoutMilliseconds) + 10_000
    private static let askAgainMilliseconds: Int64 = 100

    /// Where the partitions end, once each of them tells: on a busy machine a leader may change after the fault, too.
    func ends(of topic: LoadTopic) async throws -> [Int32: Int64] {
        let places = topic.partitions.map(topic.place)
        let limit = clock.now.advanced(byMilliseconds: ChaosStage.healMillisecondsMax)
        while true {
            let ends = try await admin.offsets(of: places, at: .latest)
            if ends.count == places.count {
                return Dictionary(uniqueKeysWithValues: ends.map { ($0.key.partition.value, $0.value.value) })
            }
            guard clock.now < limit else { throw ChaosError("some partitions do not tell where they end") }
            await pass(ChaosStage.askAgainMilliseconds)
        }
    }

    /// Waits until no transaction is open in the partitions of a topic: what is committed can be read to the ends.
    ///
    /// - Errors: a transaction that nobody ends though its time is over.
    func awaitDecided(_ topic: LoadTopic, upTo ends: [Int32: Int64]) async throws {
        let limit = clock.now.advanced(byMilliseconds: ChaosStage.decisionMillisecondsMax)
        let start = clock.now
        while true {
            let stable = try await stableOffsets(of: topic)
            let open = ends.keys.filter { (stable[$0] ?? -1) < ends[$0] ?? 0 }.sorted()
            if open.isEmpty {
                let milliseconds = clock.now.milliseconds(since: start)
                return note("all transactions are decided after \(milliseconds) ms")
            }
            guard clock.now < limit else {
                let places = open.map { "\(topic.key($0)) at \(stable[$0] ?? -1) of \(ends[$0] ?? 0)" }
                throw ChaosError("a transaction hangs: the last stable offset of " + places.joined(separator: ", "))
            }
            await pass(ChaosStage.askAgainMilliseconds)
        }
    }

    /// The last stable offset of each partition that tells it.
    private func stableOffsets(of topic: LoadTopic) async throws -> [Int32: Int64] {
        try await admin.cluster.refresh(topics: [topic.name])
        let view = admin.cluster.view
        let byLeader = Dictionary(grouping: topic.partitions) { view.partition(topic.place($0))?.leader }
        var found: [Int32: Int64] = [:]
        for (leader, partitions) in byLeader {
            guard let leader, view.brokers[leader] != nil else { continue }
            var request = OffsetQuestion.request(partitions.map(topic.place), at: .latest, view: view)
            request.isolationLevel = 1
            guard let response = try? await admin.cluster.send(request, to: .broker(leader)) else { continue }
            for answer in OffsetQuestion.answers(response) where answer.error == .noError {
                found[answer.place.partition.value] = answer.offset?.value
            }
        }
        return found
    }
}
