import ClientCore
import Histories
import Primitives
import World

/// What the clients of a simulated cluster did and saw, for the judge that `martlet verify` asks, too.
///
/// Each record is a process of its own: a producer has many on their way at a time, and the order in which they stand
/// is judged by `CommittedLog`. A consumer is one process.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class ClientHistory: @unchecked Sendable {
    private var builder = HistoryBuilder()
    private let time: VirtualTime
    /// The names of the partitions, made once.
    private var keys: [(place: TopicPartition, key: String)] = []
    private var nextProcess = ClientHistory.firstRecord
    /// The first event that the judge could not take, which is a fault of the simulator.
    private var refusal: String?

    /// Processes below are consumers, by their numbers in the network.
    private static let firstRecord: Int32 = 1_000_000

    init(_ time: VirtualTime) { self.time = time }

    private func add(
        _ process: Int32, _ phase: HistoryEvent.Phase, _ kind: HistoryEvent.Kind, _ items: [HistoryEvent.Item]
    ) {
        let event = HistoryEvent(
            timeMicroseconds: time.now.value / 1_000, process: process, phase, kind, items)
        do throws(HistoryError) { try builder.add(event) } catch { refusal = refusal ?? "\(error)" }
    }

    private func key(_ place: TopicPartition) -> String {
        if let known = keys.first(where: { $0.place == place }) { return known.key }
        keys.append((place, "\(place.topic)-\(place.partition)"))
        return keys[keys.count - 1].key
    }

    // MARK: writing

    /// The value that stands for a record: no other record of its partition has it.
    static func value(client: Int, record: Int) -> Int64 { Int64(client) << 32 | Int64(record) }

    /// A record is to be written from now on; gives the number of its process.
    func writes(_ value: Int64, to place: TopicPartition) -> Int32 {
        defer { nextProcess += 1 }
        add(nextProcess, .invoke, .send, [.write(key: key(place), value: value, .asOperation)])
        return nextProcess
    }

    /// The record was acknowledged; without an offset where the broker had it before.
    func wrote(_ value: Int64, to place: TopicPartition, by process: Int32, at offset: Offset?) {
        let fate = offset.map { HistoryEvent.Fate.acknowledged(at: $0) } ?? .asOperation
        add(process, .ok, .send, [.write(key: key(place), value: value, fate)])
    }

    /// Nobody knows what became of the record.
    func lost(_ process: Int32) { add(process, .unknown, .send, []) }

    // MARK: reading

    func reads(_ places: [TopicPartition], by client: Int) {
        add(Int32(client), .ok, .assign, places.map { .key(key($0)) })
    }

    /// A member of a group was given other partitions, or has given some up.
    func subscribes(_ places: [TopicPartition], by client: Int) {
        add(Int32(client), .ok, .subscribe, places.map { .key(key($0)) })
    }

    /// A consumer was given records of one partition, by their offsets.
    func read(_ records: [(offset: Offset, value: [UInt8])], of place: TopicPartition, by client: Int) {
        let items = records.compactMap { record in
            ClientHistory.value(in: record.value).map {
                HistoryEvent.Item.read(key: key(place), value: $0, at: record.offset)
            }
        }
        guard !items.isEmpty else { return }
        add(Int32(client), .invoke, .poll, [])
        add(Int32(client), .ok, .poll, items)
    }

    /// A consumer has read all there is, after the last write.
    func drained(_ places: [TopicPartition], by client: Int) {
        add(Int32(client), .ok, .drain, places.map { .key(key($0)) })
    }

    /// Reads `client/number`, whatever is behind it.
    static func value(in bytes: [UInt8]) -> Int64? {
        var numbers: [Int64] = [0]
        for byte in bytes {
            if byte == UInt8(ascii: "/") {
                numbers.append(0)
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int64(byte - UInt8(ascii: "0"))
            } else {
                break
            }
        }
        return numbers.count == 2 ? numbers[0] << 32 | numbers[1] : nil
    }

    // MARK: judging

    /// What no log that keeps its promises could have answered; nil for nothing.
    func anomaly() -> String? { ClientHistory.anomaly(of: builder, refusal, "history") }

    /// What is wrong with any history of a simulation.
    static func anomaly(of builder: HistoryBuilder, _ refusal: String?, _ name: String) -> String? {
        if let refusal { return "the simulator's \(name) is wrong: \(refusal)" }
        do throws(HistoryError) {
            let verdict = try HistoryChecker.check(builder.finish())
            guard let worst = verdict.tallies.first(where: { !$0.isAllowed }) else { return nil }
            return "\(name): \(worst.count) times \(worst.anomaly.rawValue): \(worst.examples.first?.text ?? "")"
        } catch {
            return "the simulator's \(name) is wrong: \(error)"
        }
    }
}
