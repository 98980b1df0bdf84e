extension SettingTable {
    /// Keys of transactions, and of the producers in them.
    package static let transactions: [Setting] = [
        Setting("transaction.state.log.num.partitions", positive, "50", "Partitions of `__transaction_state`."),
        Setting("transaction.state.log.replication.factor", positiveShort, "3", "Its replicas."),
        Setting("transaction.state.log.min.isr", positive, "2", "Its `min.insync.replicas`."),
        Setting("transaction.state.log.segment.bytes", positive, "104857600", "Its segment size."),
        Setting("transaction.max.timeout.ms", positive, "900000", "The longest transaction that a producer may have."),
        Setting(
            "transactional.id.expiration.ms", positive, "604800000",
            "How long an idle transactional id is remembered."),
        Setting(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms", positive, "10000",
            "How often overdue transactions are looked for."),
        Setting(
            "transaction.remove.expired.transaction.cleanup.interval.ms", positive, "3600000",
            "How often idle transactional ids are looked for."),
        Setting(
            "transaction.partition.verification.enable", .boolean, "true",
            "Whether what older clients write must belong to an open transaction; newer ones are always asked.",
            .clusterWide),
        Setting(
            "add.partitions.to.txn.retry.backoff.ms", positive, "20",
            "The longest pause before a coordinator is asked again that is busy with the transaction before; the first "
                + "ones are shorter."),
        Setting(
            "add.partitions.to.txn.retry.backoff.max.ms", positive, "100", "How long it is asked again in all."),
        Setting(
            "producer.id.expiration.check.interval.ms", positive, "600000", "How often idle producers are looked for."),
        Setting(
            "producer.id.expiration.ms", positive, "86400000", "How long idle producers are remembered.", .clusterWide),
    ]
}
