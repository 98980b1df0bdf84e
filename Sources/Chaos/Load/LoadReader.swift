import ClientCore
import Histories
import MartletClient
import Primitives
import Synchronization
import World

/// One reading client: polls and writes down what it got.
final class LoadReader: Sendable {
    /// How it gets its partitions.
    enum Mode: Hashable, Sendable {
        /// All of them, by hand, from their start.
        case assigned
        /// As the only member of a group, whose positions it commits after each poll.
        case member(group: String)
    }

    private static let recordsInPoll = 500
    private static let pollMilliseconds: Int64 = 300

    private let process: Int32
    private let mode: Mode
    private let topic: LoadTopic
    private let configuration: ClientConfiguration
    private let recorder: HistoryRecorder
    /// Partition → the greatest position that was committed for sure.
    private let committed = Mutex<[Int32: Int64]>([:])
    private let garbled = Mutex<[String]>([])

    init(
        process: Int32, _ mode: Mode, _ topic: LoadTopic, _ configuration: ClientConfiguration,
        _ recorder: HistoryRecorder
    ) {
        self.process = process
        self.mode = mode
        self.topic = topic
        self.configuration = configuration
        self.recorder = recorder
    }

    /// The greatest positions that the group has committed, by partition.
    var committedPositions: [Int32: Int64] { committed.withLock { $0 } }

    /// Records whose bytes were not those that were written.
    var garbledRecords: [String] { garbled.withLock { $0 } }

    /// Reads until the task is cancelled.
    func run() async throws(ClientError) {
        while !Task.isCancelled {
            let consumer = try open()
            do throws(ClientError) {
                while !Task.isCancelled { try await poll(consumer) }
            } catch {
                recorder.note(process, .unknown, .poll)
                recorder.note(process, .ok, .crash)
                try? await Task.sleep(for: .milliseconds(LoadReader.pollMilliseconds))
            }
            await consumer.close()
        }
    }

    /// Reads everything up to these ends, and says so in the history.
    func drain(upTo ends: [Int32: Int64], until limit: MonotonicInstant, _ clock: any Clock) async throws {
        let consumer = try open()
        var positions: [Int32: Int64] = [:]
        func missing() -> [Int32] { ends.filter { $0.value > positions[$0.key] ?? 0 }.keys.sorted() }
        while !missing().isEmpty {
            guard clock.now < limit else {
                let behind = missing().map { "\(topic.key($0)) at \(positions[$0] ?? 0) of \(ends[$0] ?? 0)" }
                await consumer.close()
                throw ChaosError("a fresh reader does not get to the end: " + behind.joined(separator: ", "))
            }
            try await poll(consumer)
            // Markers and what was given up have offsets, too.
            positions = await consumer.positionsBehindAllRead(of: topic)
        }
        await consumer.close()
        recorder.note(process, .ok, .drain, topic.partitions.map { .key(topic.key($0)) })
    }

    private func open() throws(ClientError) -> Consumer {
        var options = ConsumerOptions()
        options.start = .earliest
        options.commitsAutomatically = false
        options.readsCommittedOnly = topic.isTransactional
        var own = configuration
        own.clientID = "chaos-reader-\(process)"
        let keys = topic.partitions.map { HistoryEvent.Item.key(topic.key($0)) }
        switch mode {
        case .assigned:
            let consumer = try Consumer(own, topics: [topic.name], options)
            recorder.note(process, .ok, .assign, keys)
            return consumer
        case .member(let group):
            let consumer = try Consumer(own, topics: [topic.name], group: group, options)
            recorder.note(process, .ok, .subscribe, keys)
            return consumer
        }
    }

    @discardableResult
    private func poll(_ consumer: Consumer) async throws(ClientError) -> [ConsumedRecord] {
        recorder.note(process, .invoke, .poll)
        let records = try await consumer.poll(
            recordsMax: LoadReader.recordsInPoll, timeoutMilliseconds: LoadReader.pollMilliseconds)
        var items: [HistoryEvent.Item] = []
        for record in records {
            let key = topic.key(record.partition)
            guard let value = record.value.flatMap({ Payload.value(of: $0) }) else {
                garbled.withLock { $0.append("\(key) offset \(record.offset)") }
                continue
            }
            items.append(.read(key: key, value: value, at: Offset(record.offset)))
        }
        recorder.note(process, .ok, .poll, items)
        if case .member = mode, !records.isEmpty { await commit(records, consumer) }
        return records
    }

    /// A commit that fails is none; the next one says the same and more.
    private func commit(_ records: [ConsumedRecord], _ consumer: Consumer) async {
        do throws(ClientError) { try await consumer.commit() } catch { return }
        committed.withLock { committed in
            for record in records {
                committed[record.partition] = max(committed[record.partition] ?? 0, record.offset + 1)
            }
        }
    }
}

extension Consumer {
    /// Partition → the offset behind all that was handed out and skipped; empty while something waits to be read.
    fileprivate func positionsBehindAllRead(of topic: LoadTopic) -> [Int32: Int64] {
        Dictionary(
            uniqueKeysWithValues: topic.partitions.compactMap { partition in
                readPosition(of: topic.place(partition)).map { (partition, $0.value) }
            })
    }
}
