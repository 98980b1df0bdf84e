import ClientCore
import Metadata
import Primitives

extension ClusterSimulation {
    /// The transactional producers of a run, and a consumer that reads what is committed.
    func startTransactions() {
        guard let plan = plan.transactions else { return }
        let load = TransactionalLoad(plan, places: places, truth: truth, time: time, trace: log) { [unowned self] in
            client()
        }
        transactions = load
        load.start()
        readAnew(readsCommittedFor: load.ledger)
    }

    /// A fresh consumer reads what is committed: each transaction is there as a whole, or not at all, as its producer
    /// was told.
    func readTransactionsBack() throws(SimulationFailure) {
        guard let load = transactions, !truth.isLossy else { return }
        let reader = SimulatedConsumer(
            client(), places: places, truth: truth, history: history, keepsValues: true,
            readsCommittedFor: load.ledger)
        reader.start()
        try awaitReading(by: reader)
        var found: [TopicPartition: Set<Int64>] = [:]
        for (id, values) in reader.values where truth.image.topics[name: ClusterSimulation.topic]?.id == id.topic {
            let place = TopicPartition(ClusterSimulation.topic, id.index)
            found[place] = Set(values.values.compactMap { TransactionLedger.value(in: $0) })
        }
        reader.client.close()
        load.ledger.drained(places, by: reader.client.number)
        let reason = load.ledger.torn(found) ?? load.ledger.misprocessed(found) ?? load.ledger.anomaly()
        if let reason { throw failure(reason) }
        let counts = load.ledger.counts
        log.add(
            0,
            "transactions: \(counts.committed) committed, \(counts.aborted) aborted, \(counts.unknown) unknown; "
                + "decided \(truth.transactions.commitCount) and \(truth.transactions.abortCount)")
        if counts.committed > 0 { truth.reach("a committed transaction") }
        if counts.aborted > 0 { truth.reach("an aborted transaction") }
        if counts.unknown > 0 { truth.reach("a transaction of an unknown fate") }
    }
}
