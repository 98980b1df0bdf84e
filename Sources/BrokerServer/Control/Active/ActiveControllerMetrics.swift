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
    }
}
