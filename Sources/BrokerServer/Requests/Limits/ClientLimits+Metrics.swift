/// What the limits of clients have to report.
extension ClientLimits: MetricsSource {
    package func report(into page: inout MetricsPage) {
        for event in LimitCounts.Event.allCases {
            page.counter(
                "martlet_client_limit_events_total", "How often a limit of clients acted.", UInt64(counts[event]),
                [("limit", event.label)])
        }
        page.gauge("martlet_client_held_bytes", "Memory that clients make this node hold.", memory.bytes)
        page.gauge(
            "martlet_client_held_bytes_limit", "The most of it; above it nothing more is read.", memory.limitBytes)
    }
}

extension LimitCounts.Event {
    /// As the metrics call it.
    fileprivate var label: String {
        switch self {
        case .refusedByTotal: "connections_refused_total"
        case .refusedByAddress: "connections_refused_address"
        case .refusedByListener: "connections_refused_listener"
        case .refusedByRate: "connections_refused_rate"
        case .delayedByRate: "connections_delayed_rate"
        case .evicted: "connections_evicted"
        case .closedIdle: "connections_closed_idle"
        case .closedStalled: "connections_closed_stalled"
        case .closedForMemory: "connections_closed_memory"
        case .mutedForMemory: "reading_paused_memory"
        }
    }
}
