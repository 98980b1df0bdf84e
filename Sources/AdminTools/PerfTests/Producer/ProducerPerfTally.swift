import MartletClient
import Primitives
import Synchronization
import World

/// Counts what became of the messages; prints the windows as they end.
final class ProducerPerfTally: Sendable {
    private struct State {
        var all: PerformanceStats
        var steady: PerformanceStats?
        var sentCount: Int64 = 0
        var failedCount: Int64 = 0
    }

    private let options: ProducerPerfOptions
    private let origin: MonotonicInstant
    let startedAt: Int64 = 0
    private let state: Mutex<State>

    init(_ options: ProducerPerfOptions) {
        self.options = options
        origin = ClientRuntime.shared.clock.now
        let stats = PerformanceStats(
            records: options.records, reportingMilliseconds: options.reportingMilliseconds, now: 0)
        state = Mutex(State(all: stats))
    }

    /// Milliseconds since the beginning.
    var now: Int64 { ClientRuntime.shared.clock.now.milliseconds(since: origin) }

    var failedCount: Int64 { state.withLock { $0.failedCount } }

    func sleep(milliseconds: Int64) async { await ClientRuntime.shared.sleep(milliseconds: milliseconds) }

    func beginSteadyState() {
        let now = now
        state.withLock { state in
            state.steady = PerformanceStats(
                records: options.records - options.warmUp, reportingMilliseconds: options.reportingMilliseconds,
                isSteadyState: true, now: now)
            state.all.isSilent = true
        }
    }

    func note(_ outcome: Result<RecordPlace, ClientError>, sentAt: Int64, bytes: Int) {
        let now = now
        switch outcome {
        case .success:
            let lines = state.withLock { state in
                state.sentCount += 1
                var lines = state.all.record(latency: now - sentAt, bytes: bytes, now: now)
                lines += state.steady?.record(latency: now - sentAt, bytes: bytes, now: now) ?? []
                return lines
            }
            for line in lines { print(line) }
        case .failure(let error):
            state.withLock { $0.failedCount += 1 }
            Console.complain("\(error)")
        }
    }

    /// The lines at the end.
    func totals() -> [String] {
        let now = now
        return state.withLock { state in [state.all.total(now: now)] + (state.steady.map { [$0.total(now: now)] } ?? [])
        }
    }

    /// What there is of metrics, under the names that Kafka's producer has for them.
    func metrics() -> [String] {
        let (sent, failed) = state.withLock { ($0.sentCount, $0.failedCount) }
        let rows = [("record-error-total", failed), ("record-send-total", sent)].map { name, value in
            ("producer-metrics:\(name):{client-id=perf-producer-client}", Decimals.text(Double(value), digits: 3))
        }
        let width = rows.reduce("Metric Name".count) { max($0, $1.0.count) }
        return ["\n" + PaddedTable.padded("Metric Name", width) + "   Value"]
            + rows.map { PaddedTable.padded($0.0, width) + " : \($0.1)" }
    }
}
