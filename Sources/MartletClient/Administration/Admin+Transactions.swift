package import ClientCore
package import Primitives
package import WireMessages

extension Admin {
    /// Every transactional id with the broker that coordinates it, in the order of the brokers.
    ///
    /// - Parameter minDurationMilliseconds: only transactions that are open for longer; negative for all ids.
    /// - Parameter pattern: a regular expression that the whole id matches; nil for all ids.
    package func listTransactions(
        producers: [ProducerID] = [], minDurationMilliseconds: Int64 = -1, pattern: String? = nil
    ) async throws(ClientError) -> [(coordinator: BrokerID, listed: ListTransactionsResponse.TransactionState)] {
        try await cluster.refresh(topics: [])
        var request = ListTransactionsRequest()
        request.producerIDFilters = producers
        request.durationFilter = minDurationMilliseconds
        request.transactionalIDPattern = pattern
        let asked = request
        var found: [(coordinator: BrokerID, listed: ListTransactionsResponse.TransactionState)] = []
        for broker in cluster.view.brokers.keys {
            if pattern != nil { try await needPatterns(of: broker) }
            let response = try await cluster.retrying { () throws(ClientError) in
                let response = try await cluster.send(asked, to: .broker(broker))
                guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
                return response
            }
            found += response.transactionStates.map { (broker, $0) }
        }
        return found
    }

    /// Throws where a broker would not understand a pattern of ids: Kafka's do since 4.1.
    private func needPatterns(of broker: BrokerID) async throws(ClientError) {
        let spoken = try await cluster.retrying { () throws(ClientError) in try await apiVersions(of: broker) }
        guard spoken.contains(where: { $0.apiKey == APIKey.listTransactions.value && $0.maxVersion >= 2 }) else {
            throw ClientError(.unsupported, "Broker \(broker) does not know patterns of transactional ids")
        }
    }

    /// The broker that coordinates a transactional id; it is in the view afterwards.
    package func coordinator(ofTransactionalID id: String) async throws(ClientError) -> BrokerID {
        try await coordinator(of: id, type: 1)
    }

    /// What becomes of a transaction, from its coordinator.
    package func describeTransaction(
        _ id: String
    ) async throws(ClientError) -> (
        coordinator: BrokerID, described: DescribeTransactionsResponse.TransactionState
    ) {
        var request = DescribeTransactionsRequest()
        request.transactionalIDs = [id]
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(ofTransactionalID: id)
            let response = try await cluster.send(asked, to: .broker(coordinator))
            guard let described = response.transactionStates.first else { throw ClientError(code: .unknownServerError) }
            guard described.errorCode == .noError else { throw ClientError(code: described.errorCode) }
            return (coordinator, described)
        }
    }

    /// The producers that the replicas of partitions know.
    ///
    /// - Parameter broker: whose replicas; nil for the leaders.
    package func describeProducers(
        of places: [TopicPartition], at broker: BrokerID? = nil
    ) async throws(ClientError) -> [TopicPartition: [DescribeProducersResponse.ProducerState]] {
        try await cluster.retrying { () throws(ClientError) in
            let failed = try await cluster.refresh(topics: Set(places.map(\.topic)).sorted())
            if let error = failed.values.first { throw ClientError(code: error) }
            var byBroker: [BrokerID: [TopicPartition]] = [:]
            for place in places {
                guard let partition = cluster.view.partition(place) else {
                    throw ClientError(code: .unknownTopicOrPartition)
                }
                guard let target = broker ?? partition.leader else { throw ClientError(code: .leaderNotAvailable) }
                byBroker[target, default: []].append(place)
            }
            var found: [TopicPartition: [DescribeProducersResponse.ProducerState]] = [:]
            for (target, places) in byBroker.sorted(by: { $0.key < $1.key }) {
                found.merge(try await producers(of: places, at: target)) { _, new in new }
            }
            return found
        }
    }

    private func producers(
        of places: [TopicPartition], at broker: BrokerID
    ) async throws(ClientError) -> [TopicPartition: [DescribeProducersResponse.ProducerState]] {
        var request = DescribeProducersRequest()
        request.topics = Dictionary(grouping: places, by: \.topic).sorted { $0.key < $1.key }.map { topic, places in
            var entry = DescribeProducersRequest.TopicRequest()
            entry.name = topic
            entry.partitionIndexes = places.map(\.partition).sorted()
            return entry
        }
        let response = try await cluster.send(request, to: .broker(broker))
        var found: [TopicPartition: [DescribeProducersResponse.ProducerState]] = [:]
        for topic in response.topics {
            for partition in topic.partitions {
                guard partition.errorCode == .noError else {
                    throw ClientError(code: partition.errorCode, message: partition.errorMessage)
                }
                found[TopicPartition(topic.name, partition.partitionIndex)] = partition.activeProducers
            }
        }
        return found
    }

    /// Writes the marker that aborts what a producer has open in one partition, past its coordinator.
    ///
    /// - Parameter coordinatorEpoch: that of the coordinator that wrote there last, or 0.
    package func abortTransaction(
        of producer: ProducerID, _ epoch: ProducerEpoch, coordinatorEpoch: Int32, in place: TopicPartition
    ) async throws(ClientError) {
        var topic = WriteTxnMarkersRequest.WritableTxnMarkerTopic()
        topic.name = place.topic
        topic.partitionIndexes = [place.partition]
        var marker = WriteTxnMarkersRequest.WritableTxnMarker()
        marker.producerID = producer
        marker.producerEpoch = epoch
        marker.coordinatorEpoch = coordinatorEpoch
        marker.transactionResult = false
        marker.topics = [topic]
        var request = WriteTxnMarkersRequest()
        request.markers = [marker]
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let failed = try await cluster.refresh(topics: [place.topic])
            if let error = failed[place.topic] { throw ClientError(code: error) }
            guard let leader = cluster.view.partition(place)?.leader else {
                throw ClientError(code: .leaderNotAvailable)
            }
            let response = try await cluster.send(asked, to: .broker(leader))
            let error = response.markers.first?.topics.first?.partitions.first?.errorCode ?? .unknownServerError
            guard error == .noError else { throw ClientError(code: error) }
        }
    }

    /// Fences whoever uses a transactional id, which aborts what is open.
    package func fenceProducers(of id: String) async throws(ClientError) {
        var request = InitProducerIdRequest()
        request.transactionalID = id
        // Kafka's tool, too, asks for the shortest.
        request.transactionTimeoutMilliseconds = 1
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(ofTransactionalID: id)
            let response = try await cluster.send(asked, to: .broker(coordinator))
            // What was open is being aborted: that was asked for.
            guard [.noError, .concurrentTransactions].contains(response.errorCode) else {
                throw ClientError(code: response.errorCode)
            }
        }
    }
}
