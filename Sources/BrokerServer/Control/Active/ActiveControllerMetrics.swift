import Controller

/// Whether this node decides now.
struct ActiveControllerMetrics: MetricsSource {
    let controller: ControllerHost

    func report(into page: inout MetricsPage) {
        page.gauge(
            "kafka_controller_kafkacontroller_activecontrollercount", "1 on the node that is the active controller.",
            controller.isActive ? 1 : 0)
        page.counter(
            "martlet_controller_activations_total", "How often this node became the active controller.",
            controller.activations)
        for rule in DetectionRule.allCases {
            page.counter(
                "martlet_controller_detections_total",
                "Brokers that this controller fenced (R1, R2, R3) or took leaderships from (R4, R5), by rule.",
                controller.detections[rule] ?? 0, [("rule", rule.rawValue)])
        }
    }
}
