import Testing

@testable import BrokerServer

@Suite struct ContainerVariableTests {
    @Test(
        "one underscore is a dot, two are an underscore, three a dash",
        arguments: [
            ("NODE_ID", "node.id"), ("LOG_RETENTION_HOURS", "log.retention.hours"),
            ("CONTROLLER_QUORUM_VOTERS", "controller.quorum.voters"),
            (
                "LISTENER_NAME_SASL__SSL_SCRAM___SHA___256_SASL_JAAS_CONFIG",
                "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config"
            ), ("A____B", "a-.b"), ("A_____B", "a-_b"), ("A_", "a."),
        ])
    func names(_ name: String, _ property: String) {
        #expect(ContainerVariable.propertyName(name) == property)
    }

    @Test(
        "variables mean what they mean to Kafka's images",
        arguments: [
            ("KAFKA_NODE_ID", "1", ContainerVariable.property("node.id")),
            ("KAFKA_CFG_NODE_ID", "1", .property("node.id")), ("CLUSTER_ID", "x", .clusterID),
            ("KAFKA_KRAFT_CLUSTER_ID", "x", .clusterID), ("KAFKA_CLUSTER_ID", "x", .clusterID),
            ("KAFKA_LOG4J_ROOT_LOGLEVEL", "WARN", .logLevel), ("KAFKA_HEAP_OPTS", "-Xmx1g", .withoutMeaning),
            ("KAFKA_OPTS", "-D", .withoutMeaning), ("KAFKA_JMX_PORT", "9101", .withoutMeaning),
            ("KAFKA_LOG4J_LOGGERS", "kafka=INFO", .loggerLevels),
            ("CONFLUENT_SUPPORT_METRICS_ENABLE", "0", .withoutMeaning),
            ("KAFKA_ADVERTISED_HOST_NAME", "h", .refused("advertised.host.name")),
            ("KAFKA_ADVERTISED_PORT", "1", .refused("advertised.port")), ("PATH", "/bin", .foreign),
            ("KAFKA", "1", .foreign),
        ])
    func meanings(_ name: String, _ value: String, _ meaning: ContainerVariable) {
        #expect(ContainerVariable(name: name, value: value) == meaning)
    }

    @Test(
        "what Kubernetes sets for services called kafka and kafka-x is left alone",
        arguments: [
            ("KAFKA_PORT", "tcp://10.0.0.1:9092"), ("KAFKA_SERVICE_HOST", "10.0.0.1"), ("KAFKA_SERVICE_PORT", "9092"),
            ("KAFKA_SERVICE_PORT_CLIENTS", "9092"), ("KAFKA_PORT_9092_TCP", "tcp://10.0.0.1:9092"),
            ("KAFKA_PORT_9092_TCP_PROTO", "tcp"), ("KAFKA_CONTROLLER_SERVICE_HOST", "10.0.0.1"),
            ("KAFKA_CONTROLLER_SERVICE_PORT", "9093"), ("KAFKA_CONTROLLER_PORT", "tcp://10.0.0.1:9093"),
            ("KAFKA_CONTROLLER_PORT_9093_TCP", "tcp://10.0.0.1:9093"),
            ("KAFKA_CONTROLLER_PORT_9093_TCP_ADDR", "10.0.0.1"),
        ])
    func kubernetes(_ name: String, _ value: String) {
        #expect(ContainerVariable(name: name, value: value) == .ofKubernetes)
    }
}
