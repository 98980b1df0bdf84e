/// Settings of the consumer group protocol (KIP-848).
extension SettingTable {
    static let consumerGroups: [Setting] = [
        Setting(
            "group.coordinator.rebalance.protocols", .list, "classic,consumer,streams",
            "Protocols of groups; without `consumer` that one is not served. The classic one always is, streams is not "
                + "built."),
        Setting(
            "group.consumer.session.timeout.ms", positive, "45000",
            "How long a member of a consumer group is believed without a heartbeat."),
        Setting(
            "group.consumer.min.session.timeout.ms", positive, "45000", "The least that it, or a group's own, may be."),
        Setting("group.consumer.max.session.timeout.ms", positive, "60000", "The most."),
        Setting(
            "group.consumer.heartbeat.interval.ms", positive, "5000",
            "How often members of a consumer group are told to send one."),
        Setting(
            "group.consumer.min.heartbeat.interval.ms", positive, "5000",
            "The least that it, or a group's own, may be."),
        Setting("group.consumer.max.heartbeat.interval.ms", positive, "15000", "The most."),
        Setting(
            "group.consumer.assignment.interval.ms", count, "1000",
            "The least time between two target assignments of a group: what changes meanwhile goes into the next one."),
        Setting(
            "group.consumer.min.assignment.interval.ms", count, "0", "The least that it, or a group's own, may be."),
        Setting("group.consumer.max.assignment.interval.ms", count, "15000", "The most."),
        Setting("group.consumer.max.size", positive, "2147483647", "How many members a consumer group may have."),
        Setting(
            "group.consumer.assignors", .list, "uniform,range",
            "How the coordinator may share partitions out; the first is that of members that ask for none."),
        Setting(
            "group.consumer.migration.policy", .choice(["bidirectional", "upgrade", "downgrade", "disabled"]),
            "bidirectional",
            "Whether a group with members changes from the classic protocol to the new one, and back."),
        Setting(
            "group.consumer.regex.refresh.interval.ms", positive, "600000",
            "How often expressions over topic names are matched again where topics have changed."),
    ]
}
