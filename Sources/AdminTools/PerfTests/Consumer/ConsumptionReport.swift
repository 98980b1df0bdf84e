import MartletClient
import Primitives
import World

/// What `consumer-perf-test` counts and prints.
struct ConsumptionReport {
    private static let pollMilliseconds: Int64 = 100
    private static let recordsOfPoll = 500
    private static let mebibyte = 1_048_576.0

    private let options: ConsumerPerfOptions
    private let clock = ClientRuntime.shared.clock
    /// Milliseconds since 1970.
    private let startedAt: Int64
    private var endedAt: Int64
    private(set) var recordCount: Int64 = 0
    private var byteCount: Int64 = 0
    private var rebalanceMilliseconds: Int64 = 0

    init(_ options: ConsumerPerfOptions) {
        self.options = options
        startedAt = ClientRuntime.shared.clock.timeOfDay.value
        endedAt = startedAt
    }

    static func header(isDetailed: Bool) -> String {
        let beginning = isDetailed ? "time, threadId" : "start.time, end.time"
        return beginning + ", data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, "
            + "fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec"
    }

    /// Reads until there is enough, or none came for too long.
    mutating func run(_ consumer: Consumer) async throws(ClientError) {
        let origin = clock.now
        var lastRecord = origin
        var window = Window(start: origin)
        while recordCount < options.records, !Interruption.isWanted,
            clock.now.milliseconds(since: lastRecord) <= options.timeoutMilliseconds
        {
            let wanted = Int(min(Int64(Self.recordsOfPoll), options.records - recordCount))
            let records = try await consumer.poll(recordsMax: wanted, timeoutMilliseconds: Self.pollMilliseconds)
            let now = clock.now
            guard !records.isEmpty else { continue }
            lastRecord = now
            recordCount += Int64(records.count)
            for record in records { byteCount += Int64(record.keyBytes + record.valueBytes) }
            guard now.milliseconds(since: window.start) >= options.reportingMilliseconds else { continue }
            let rebalanced = await consumer.rebalanceMilliseconds
            if options.showsDetails { print(line(window, now: now, rebalanced: rebalanced)) }
            window = Window(start: now, recordCount: recordCount, byteCount: byteCount, rebalanced: rebalanced)
        }
        rebalanceMilliseconds = await consumer.rebalanceMilliseconds
        endedAt = startedAt + clock.now.milliseconds(since: origin)
    }

    /// Where the counts stood when an interval began.
    private struct Window {
        var start: MonotonicInstant
        var recordCount: Int64 = 0
        var byteCount: Int64 = 0
        var rebalanced: Int64 = 0
    }

    private func line(_ window: Window, now: MonotonicInstant, rebalanced: Int64) -> String {
        let elapsed = now.milliseconds(since: window.start)
        let joining = rebalanced - window.rebalanced
        let records = Double(recordCount - window.recordCount)
        let mebibytes = Double(byteCount - window.byteCount) / Self.mebibyte
        func rate(_ amount: Double, _ milliseconds: Int64) -> String {
            Decimals.text(milliseconds <= 0 ? 0 : 1_000 * amount / Double(milliseconds), digits: 4)
        }
        return [
            options.dates.text(of: clock.timeOfDay.value), "0",
            Decimals.text(Double(byteCount) / Self.mebibyte, digits: 4), rate(mebibytes, elapsed), "\(recordCount)",
            rate(records, elapsed), "\(joining)", "\(elapsed - joining)", rate(mebibytes, elapsed - joining),
            rate(records, elapsed - joining),
        ].joined(separator: ", ")
    }

    /// The line at the end.
    var total: String {
        let elapsed = endedAt - startedAt
        let fetching = elapsed - rebalanceMilliseconds
        let mebibytes = Double(byteCount) / Self.mebibyte
        func rate(_ amount: Double, _ milliseconds: Int64) -> String {
            Decimals.text(amount / (Double(milliseconds) / 1_000), digits: 4)
        }
        return [
            options.dates.text(of: startedAt), options.dates.text(of: endedAt), Decimals.text(mebibytes, digits: 4),
            rate(mebibytes, elapsed), "\(recordCount)", rate(Double(recordCount), elapsed), "\(rebalanceMilliseconds)",
            "\(fetching)", rate(mebibytes, fetching), rate(Double(recordCount), fetching),
        ].joined(separator: ", ")
    }

    /// What there is of metrics, under the names that Kafka's consumer has for them.
    var metrics: [String] {
        let rows = [("bytes-consumed-total", byteCount), ("records-consumed-total", recordCount)].map { name, value in
            (
                "consumer-fetch-manager-metrics:\(name):{client-id=perf-consumer-client}",
                Decimals.text(Double(value), digits: 3)
            )
        }
        let width = rows.reduce("Metric Name".count) { max($0, $1.0.count) }
        return ["\n" + PaddedTable.padded("Metric Name", width) + "   Value"]
            + rows.map { PaddedTable.padded($0.0, width) + " : \($0.1)" }
    }
}
