import Primitives
import Synchronization
import World

/// What one listener counts: connections, bytes, requests by API and how long they took.
///
/// Each loop has a lane of its own, so that counting costs a few additions that no other core looks at.
final class RequestMeters: Sendable {
    /// Why a request or its connection was refused.
    enum Refusal: Int, CaseIterable, Sendable {
        /// A length below zero or above the limit, or a frame that did not arrive.
        case badFrame
        /// A header or body that can't be read.
        case malformed
        /// An API or version that is not served here.
        case unsupported

        var label: String {
            switch self {
            case .badFrame: "bad_frame"
            case .malformed: "malformed"
            case .unsupported: "unsupported"
            }
        }
    }

    /// The part of a loop.
    final class Lane: Sendable {
        fileprivate let receivedRequests = Atomic<UInt64>(0)
        fileprivate let endedRequests = Atomic<UInt64>(0)
        fileprivate let receivedBytes = Atomic<UInt64>(0)
        fileprivate let sentBytes = Atomic<UInt64>(0)
        fileprivate let connections = Atomic<UInt64>(0)
        fileprivate let refusals = InlineArray<3, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }
        /// By API key; nil where nothing is served.
        fileprivate let times: [LatencyHistogram?]

        /// - Parameter keys: the APIs that are answered.
        init(keys: [APIKey] = []) {
            var times = [LatencyHistogram?](repeating: nil, count: 1 + Int(keys.max()?.value ?? -1))
            for key in keys { times[Int(key.value)] = LatencyHistogram() }
            self.times = times
        }

        func received(bytes: Int) {
            receivedRequests.wrappingAdd(1, ordering: .relaxed)
            receivedBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        }

        func answered(_ key: APIKey, microseconds: Int64, bytes: Int) {
            endedRequests.wrappingAdd(1, ordering: .relaxed)
            sentBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
            if times.indices.contains(Int(key.value)) { times[Int(key.value)]?.record(microseconds: microseconds) }
        }

        /// Requests that will not be answered: their connection is gone.
        func dropped(_ count: Int) { endedRequests.wrappingAdd(UInt64(count), ordering: .relaxed) }

        func refused(_ cause: Refusal) { refusals[cause.rawValue].wrappingAdd(1, ordering: .relaxed) }
    }

    /// How far back quantiles look: from one to two of these.
    private static let windowMilliseconds: Int64 = 60_000

    private struct Window {
        var base: [APIKey: LatencyCounts] = [:]
        var next: [APIKey: LatencyCounts] = [:]
        var nextAt: MonotonicInstant
    }

    private let listener: String
    private let keys: [APIKey]
    /// Grows with the loops that get connections.
    private let lanes = Mutex<[(loop: any Loop, lane: Lane)]>([])
    private let refusedConnections = Atomic<UInt64>(0)
    private let clock: any Clock
    private let window: Mutex<Window>

    init(listener: String, table: HandlerTable, clock: any Clock) {
        self.listener = listener
        keys = table.servedKeys
        self.clock = clock
        window = Mutex(Window(nextAt: clock.now))
    }

    /// The lane of a loop that the listener spreads connections over; a connection is counted with it.
    func lane(of loop: any Loop) -> Lane {
        let lane = lanes.withLock { lanes in
            if let known = lanes.first(where: { $0.loop === loop }) { return known.lane }
            let made = Lane(keys: keys)
            lanes.append((loop, made))
            return made
        }
        lane.connections.wrappingAdd(1, ordering: .relaxed)
        return lane
    }

    func connectionRefused() { refusedConnections.wrappingAdd(1, ordering: .relaxed) }

    // MARK: the page

    func report(connections: Int, into page: inout MetricsPage) {
        let labels: [MetricsPage.Label] = [("listener", listener)]
        page.gauge(
            "kafka_server_socketservermetrics_connection_count", "Connections that are open.", connections, labels)
        page.counter(
            "martlet_network_connections_accepted_total", "Connections that were taken in.",
            sum { $0.connections.load(ordering: .relaxed) }, labels)
        page.counter(
            "martlet_network_connections_refused_total", "Connections that were refused for a limit.",
            refusedConnections.load(ordering: .relaxed), labels)
        page.counter(
            "martlet_network_received_bytes_total", "Bytes of requests.",
            sum { $0.receivedBytes.load(ordering: .relaxed) }, labels)
        page.counter(
            "martlet_network_sent_bytes_total", "Bytes of answers.", sum { $0.sentBytes.load(ordering: .relaxed) },
            labels)
        let ended = sum { $0.endedRequests.load(ordering: .relaxed) }
        page.gauge(
            "martlet_network_requests_in_flight", "Requests that wait or are being answered.",
            Int64(sum { $0.receivedRequests.load(ordering: .relaxed) }) - Int64(ended), labels)
        for cause in Refusal.allCases {
            let count = sum { $0.refusals[cause.rawValue].load(ordering: .relaxed) }
            page.counter(
                "martlet_network_requests_refused_total", "Requests that ended their connection.", count,
                labels + [("cause", cause.label)])
        }
        reportTimes(into: &page)
    }

    private func reportTimes(into page: inout MetricsPage) {
        var all: [APIKey: LatencyCounts] = [:]
        let lanes = lanes.withLock { $0.map(\.lane) }
        for key in keys {
            var counts = LatencyCounts()
            for lane in lanes { if let times = lane.times[Int(key.value)] { counts.add(times.counts) } }
            if counts.count > 0 { all[key] = counts }
        }
        let base = moveWindow(all)
        for key in keys {
            guard let counts = all[key] else { continue }
            let recent = base[key].map { counts.since($0) } ?? counts
            let labels: [MetricsPage.Label] = [("request", "\(key)"), ("listener", listener)]
            page.counter(
                "kafka_network_requestmetrics_requests_total", "Requests that were answered.", counts.count, labels)
            page.summaryMilliseconds(
                "kafka_network_requestmetrics_totaltimems",
                "Time from a request's last byte to its answer, waiting included; quantiles of the last minutes.",
                recent: recent, all: counts, labels)
            page.histogram(
                "martlet_request_duration_seconds",
                "Time from a request's last byte to its answer, waiting included.", counts, labels)
        }
    }

    /// Where the quantiles of now begin; moves on when a scrape finds it old.
    private func moveWindow(_ all: [APIKey: LatencyCounts]) -> [APIKey: LatencyCounts] {
        let now = clock.now
        return window.withLock { window in
            if now.milliseconds(since: window.nextAt) >= RequestMeters.windowMilliseconds {
                window = Window(base: window.next, next: all, nextAt: now)
            }
            return window.base
        }
    }

    private func sum(_ value: (Lane) -> UInt64) -> UInt64 {
        lanes.withLock { $0.map(\.lane) }.reduce(0) { $0 + value($1) }
    }
}
