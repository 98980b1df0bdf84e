import ClientCore
package import Primitives
package import WireMessages

/// A transaction as one of its partitions sees it.
package struct OpenTransaction: Sendable {
    let place: TopicPartition
    let producer: DescribeProducersResponse.ProducerState
}

/// What `transactions` prints.
package enum TransactionTables {
    /// `list`.
    package static func list(
        _ found: [(coordinator: BrokerID, listed: ListTransactionsResponse.TransactionState)]
    ) -> TabbedTable {
        var table = TabbedTable(["TransactionalId", "Coordinator", "ProducerId", "TransactionState"])
        for (coordinator, listed) in found {
            table.append(cells: [
                .text(listed.transactionalID), .integer(Int64(coordinator.value)), .integer(listed.producerID.value),
                .text(listed.transactionState),
            ])
        }
        return table
    }

    /// `describe`.
    package static func describe(
        _ described: DescribeTransactionsResponse.TransactionState, coordinator: BrokerID, nowMilliseconds now: Int64
    ) -> TabbedTable {
        var table = TabbedTable([
            "CoordinatorId", "TransactionalId", "ProducerId", "ProducerEpoch", "TransactionState",
            "TransactionTimeoutMs", "CurrentTransactionStartTimeMs", "TransactionDurationMs", "TopicPartitions",
        ])
        let places = described.topics.flatMap { topic in topic.partitions.map { "\(topic.topic)-\($0)" } }
        let start = described.transactionStartTimeMilliseconds
        table.append(cells: [
            .integer(Int64(coordinator.value)), .text(described.transactionalID), .integer(described.producerID.value),
            .integer(Int64(described.producerEpoch.value)), .text(described.transactionState),
            .integer(Int64(described.transactionTimeoutMilliseconds)), start < 0 ? .null : .integer(start),
            start < 0 ? .null : .integer(now - start), .text(places.joined(separator: ",")),
        ])
        return table
    }

    /// `describe-producers`.
    package static func producers(_ producers: [DescribeProducersResponse.ProducerState]) -> TabbedTable {
        var table = TabbedTable([
            "ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "LastTimestamp",
            "CurrentTransactionStartOffset",
        ])
        for producer in producers {
            let start = producer.currentTxnStartOffset.value
            table.append(cells: [
                .integer(producer.producerID.value), .integer(Int64(producer.producerEpoch)),
                .integer(Int64(producer.coordinatorEpoch)), .integer(Int64(producer.lastSequence)),
                .integer(producer.lastTimestamp), start < 0 ? .null : .integer(start),
            ])
        }
        return table
    }

    /// `find-hanging`.
    package static func hanging(_ found: [OpenTransaction], nowMilliseconds now: Int64) -> TabbedTable {
        var table = TabbedTable([
            "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset", "LastTimestamp",
            "Duration(min)",
        ])
        for open in found.sorted(by: { ($0.place, $0.producer.producerID) < ($1.place, $1.producer.producerID) }) {
            let producer = open.producer
            table.append(cells: [
                .text(open.place.topic), .integer(Int64(open.place.partition.value)),
                .integer(producer.producerID.value), .integer(Int64(producer.producerEpoch)),
                .integer(Int64(producer.coordinatorEpoch)), .integer(producer.currentTxnStartOffset.value),
                .integer(producer.lastTimestamp), .integer((now - producer.lastTimestamp) / 60_000),
            ])
        }
        return table
    }
}
