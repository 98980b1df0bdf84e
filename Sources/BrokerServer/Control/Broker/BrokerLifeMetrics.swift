import Primitives
import World

/// How this broker stands with the controller.
struct BrokerLifeMetrics: MetricsSource {
    let lifecycle: BrokerLifecycle
    let clock: any Clock

    func report(into page: inout MetricsPage) {
        page.gauge(
            "kafka_server_kafkaserver_brokerstate",
            "State of this broker: 1 starting, 2 fenced, 3 running, 6 hands over, 7 stopped.", lifecycle.stateNumber)
        page.gauge(
            "martlet_broker_fenced", "1 while the controller does not let this broker in.",
            lifecycle.stateNumber == 3 ? 0 : 1)
        if let epoch = lifecycle.epoch {
            page.gauge("martlet_broker_epoch", "Epoch of this broker's registration.", epoch.value)
        }
        if let contact = lifecycle.lastContact {
            page.gauge(
                "martlet_broker_controller_silence_seconds", "Time since a controller answered this broker.",
                real: Double(clock.now.value - contact.value) / 1_000_000_000)
        }
    }
}
