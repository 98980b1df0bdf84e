import Synchronization

/// What the admin port counts of itself.
package final class AdminCounts: MetricsSource {
    private let good = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let turnedAway = Atomic<UInt64>(0)

    package init() {}

    func answered(_ status: HTTPStatus) {
        switch status.rawValue {
        case 200..<400: good.wrappingAdd(1, ordering: .relaxed)
        case 400..<500: refused.wrappingAdd(1, ordering: .relaxed)
        default: failed.wrappingAdd(1, ordering: .relaxed)
        }
    }

    func connectionTurnedAway() { turnedAway.wrappingAdd(1, ordering: .relaxed) }

    package func report(into page: inout MetricsPage) {
        let help = "Answers of the admin port."
        let name = "martlet_admin_answers_total"
        page.counter(name, help, good.load(ordering: .relaxed), [("code", "2xx")])
        page.counter(name, help, refused.load(ordering: .relaxed), [("code", "4xx")])
        page.counter(name, help, failed.load(ordering: .relaxed), [("code", "5xx")])
        page.counter(
            "martlet_admin_connections_turned_away_total", "Connections to the admin port beyond its limit.",
            turnedAway.load(ordering: .relaxed))
    }
}
