package import ClientCore
package import Primitives
package import WireMessages

extension Admin {
    /// Every group with the broker that coordinates it, in the order of the brokers.
    package func listGroups(
        states: [String] = [], types: [String] = []
    ) async throws(ClientError) -> [ListGroupsResponse.ListedGroup] {
        try await cluster.refresh(topics: [])
        var request = ListGroupsRequest()
        request.statesFilter = states
        request.typesFilter = types
        let asked = request
        var groups: [ListGroupsResponse.ListedGroup] = []
        for broker in cluster.view.brokers.keys {
            let response = try await cluster.retrying { () throws(ClientError) in
                let response = try await cluster.send(asked, to: .broker(broker))
                guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
                return response
            }
            groups += response.groups
        }
        return groups
    }

    /// The broker that coordinates a group; it is in the view afterwards.
    package func coordinator(of group: String) async throws(ClientError) -> BrokerID {
        try await coordinator(of: group, type: 0)
    }

    /// The broker that coordinates a key of a type: 0 for groups, 1 for transactional ids.
    func coordinator(of group: String, type: Int8) async throws(ClientError) -> BrokerID {
        var request = FindCoordinatorRequest()
        request.keyType = type
        request.coordinatorKeys = [group]
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.send(asked, to: .anyBroker)
            guard let found = response.coordinators.first else { throw ClientError(code: .coordinatorNotAvailable) }
            guard found.errorCode == .noError else {
                throw ClientError(code: found.errorCode, message: found.errorMessage)
            }
            if cluster.view.brokers[found.nodeID] == nil { try await cluster.refresh(topics: []) }
            return found.nodeID
        }
    }

    /// A group with its members, from its coordinator.
    package func describeGroup(
        _ group: String
    ) async throws(ClientError) -> (coordinator: BrokerID, group: DescribeGroupsResponse.DescribedGroup) {
        var request = DescribeGroupsRequest()
        request.groups = [group]
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator))
            guard let described = response.groups.first else { throw ClientError(code: .unknownServerError) }
            guard described.errorCode == .noError else {
                throw ClientError(code: described.errorCode, message: described.errorMessage)
            }
            return (coordinator, described)
        }
    }

    /// What happened to a group of either protocol since its coordinator took over; nil from a broker that does not
    /// keep it.
    package func groupTimeline(_ group: String) async throws(ClientError) -> DescribeGroupsResponse.Timeline? {
        var request = DescribeGroupsRequest()
        request.groups = [group]
        request.includeTimeline = true
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator))
            guard let described = response.groups.first else { throw ClientError(code: .unknownServerError) }
            guard described.errorCode == .noError || described.errorCode == .groupIDNotFound else {
                throw ClientError(code: described.errorCode, message: described.errorMessage)
            }
            return described.timeline
        }
    }

    /// A group of the consumer protocol with its members, from its coordinator; nil where there is none.
    package func describeConsumerGroup(
        _ group: String
    ) async throws(ClientError) -> (coordinator: BrokerID, group: ConsumerGroupDescribeResponse.DescribedGroup)? {
        var request = ConsumerGroupDescribeRequest()
        request.groupIDs = [group]
        let asked = request
        do throws(ClientError) {
            let found = try await cluster.retrying { () throws(ClientError) in
                let coordinator = try await coordinator(of: group)
                let response = try await cluster.send(asked, to: .broker(coordinator))
                guard let described = response.groups.first else { throw ClientError(code: .unknownServerError) }
                guard described.errorCode == .noError else {
                    throw ClientError(code: described.errorCode, message: described.errorMessage)
                }
                return (coordinator, described)
            }
            return found
        } catch {
            if error.code == .groupIDNotFound || error.code == .unsupportedVersion { return nil }
            throw error
        }
    }

    /// All that a group has committed.
    package func committedOffsets(of group: String) async throws(ClientError) -> [TopicPartition: Offset] {
        let asked = CommittedOffsets.request(group: group, places: nil)
        return try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
            let answer = CommittedOffsets.answer(response)
            guard answer.error == .noError else { throw ClientError(code: answer.error) }
            return answer.offsets.mapValues(\.offset)
        }
    }
}
