package import Histories
import Primitives
import Synchronization
package import World

/// Writes down what the clients of the load do and see: as a text file, and packed for the judge.
package final class HistoryRecorder: Sendable {
    /// An acknowledged write: when it was asked for and when it was answered.
    struct Acknowledgement: Hashable, Sendable {
        let asked: MonotonicInstant
        let answered: MonotonicInstant
    }

    private struct State {
        var builder = HistoryBuilder()
        var writer = HistoryWriter()
        var position: Int64 = 0
        var failure: String?
        var unflushed = 0
        var acknowledgements: [Int32: [Acknowledgement]] = [:]
        var acknowledged = 0
        var unknown = 0
    }

    private static let eventsBetweenWrites = 200

    private let clock: any Clock
    private let start: MonotonicInstant
    private let file: any File
    private let state = Mutex(State())

    package init(path: String, files: any FileStore, clock: any Clock) throws(FileError) {
        self.clock = clock
        start = clock.now
        file = try files.open(path, .replace)
    }

    /// Writes one event down, with the time of now.
    func note(
        _ process: Int32, _ phase: HistoryEvent.Phase, _ kind: HistoryEvent.Kind, _ items: [HistoryEvent.Item] = []
    ) {
        state.withLock { state in
            let time = (clock.now.value - start.value) / 1_000
            let event = HistoryEvent(timeMicroseconds: time, process: process, phase, kind, items)
            state.writer.write(event)
            do throws(HistoryError) { try state.builder.add(event) } catch {
                state.failure = state.failure ?? error.description
            }
            state.unflushed += 1
            if state.unflushed >= HistoryRecorder.eventsBetweenWrites { flush(&state) }
        }
    }

    private func flush(_ state: inout State) {
        let text = state.writer.take()
        do throws(FileError) { try file.write([Bytes(text)], at: state.position) } catch {
            state.failure = state.failure ?? error.description
        }
        state.position += Int64(text.count)
        state.unflushed = 0
    }

    /// Counts what an operation on a partition achieved.
    func count(acknowledged: Int, unknown: Int, partition: Int32, asked: MonotonicInstant) {
        let now = clock.now
        state.withLock { state in
            state.acknowledged += acknowledged
            state.unknown += unknown
            if acknowledged > 0 {
                state.acknowledgements[partition, default: []].append(Acknowledgement(asked: asked, answered: now))
            }
        }
    }

    /// Writes acknowledged so far.
    package var acknowledged: Int { state.withLock { $0.acknowledged } }

    /// Writes so far of which nobody knows what became of them.
    package var unknown: Int { state.withLock { $0.unknown } }

    /// For each partition the milliseconds from `fault` to the first answer to a write that was asked for after it;
    /// nil where none was answered.
    func firstAnswers(after fault: MonotonicInstant, partitionCount: Int32) -> [Int64?] {
        let lists = state.withLock { $0.acknowledgements }
        return (0..<partitionCount).map { partition in
            let later = (lists[partition] ?? []).lazy.filter { $0.answered >= fault }.map(\.answered)
            return later.min().map { $0.milliseconds(since: fault) }
        }
    }

    /// The 99th percentile of the times that acknowledged writes took.
    struct Slowest: CustomStringConvertible {
        var milliseconds: Int64 = 0
        /// Of how many.
        var count = 0

        var description: String { "\(milliseconds) ms of \(count)" }
    }

    /// Of the writes to some partitions that were asked for in a span.
    func slowest(of partitions: Set<Int32>, askedWithin span: Range<MonotonicInstant>) -> Slowest {
        let lists = state.withLock { $0.acknowledgements }
        let times = partitions.flatMap { lists[$0] ?? [] }.filter { span.contains($0.asked) }
            .map { $0.answered.milliseconds(since: $0.asked) }.sorted()
        if times.isEmpty { return Slowest() }
        return Slowest(milliseconds: times[min(times.count - 1, times.count * 99 / 100)], count: times.count)
    }

    /// The longest time in which a partition answered no write, in milliseconds, with the partition and its beginning.
    func longestGap() -> (milliseconds: Int64, partition: Int32, from: MonotonicInstant)? {
        let lists = state.withLock { $0.acknowledgements }
        var longest: (milliseconds: Int64, partition: Int32, from: MonotonicInstant)?
        for (partition, list) in lists.sorted(by: { $0.key < $1.key }) {
            let answered = list.map(\.answered).sorted()
            for (earlier, later) in zip(answered, answered.dropFirst()) {
                let gap = later.milliseconds(since: earlier)
                if gap > longest?.milliseconds ?? -1 { longest = (gap, partition, earlier) }
            }
        }
        return longest
    }

    /// The history up to now. What is noted later is not in it.
    ///
    /// - Errors: a file that could not be written, or events that contradict each other.
    package func finish() throws(ChaosError) -> History {
        let (history, failure) = state.withLock { state in
            flush(&state)
            return (state.builder.finish(), state.failure)
        }
        if let failure { throw ChaosError("the history is not whole: \(failure)") }
        return history
    }
}
