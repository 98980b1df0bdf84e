package import ClientCore
package import Primitives
import WireMessages

extension Admin {
    /// All that a group has committed, with the epochs of the records before.
    package func committedPositions(
        of group: String
    ) async throws(ClientError) -> [TopicPartition: CommittedOffsets.Position] {
        let asked = CommittedOffsets.request(group: group, places: nil)
        return try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
            let answer = CommittedOffsets.answer(response)
            guard answer.error == .noError else { throw ClientError(code: answer.error) }
            return answer.offsets
        }
    }

    /// Sets what a group has committed; the group must have no members.
    ///
    /// - Errors: the first of those of the partitions.
    package func alterOffsets(
        of group: String, _ positions: [TopicPartition: CommittedOffsets.Position]
    ) async throws(ClientError) {
        if positions.isEmpty { return }
        let asked = CommittedOffsets.commit(
            group: group, memberID: "", generation: nil, instanceID: nil, positions)
        let refusal: ErrorCode = try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
            let error = CommittedOffsets.error(response)
            // A partition that is unknown now will not be known in a moment.
            if error.isRetriable, error != .unknownTopicOrPartition { throw ClientError(code: error) }
            return error
        }
        guard refusal == .noError else { throw ClientError(code: refusal) }
    }

    /// Makes a group forget what it committed for some partitions.
    ///
    /// - Returns: the error of each partition, `noError` where it is forgotten (or was never there).
    /// - Errors: those of the group as a whole.
    package func deleteOffsets(
        of group: String, _ places: [TopicPartition]
    ) async throws(ClientError) -> [TopicPartition: ErrorCode] {
        var request = OffsetDeleteRequest()
        request.groupID = group
        request.topics = Set(places.map(\.topic)).sorted().map { name in
            var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
            topic.name = name
            topic.partitions = places.filter { $0.topic == name }.map { place in
                var partition = OffsetDeleteRequest.OffsetDeleteRequestPartition()
                partition.partitionIndex = place.partition
                return partition
            }
            return topic
        }
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator))
            guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
            var errors: [TopicPartition: ErrorCode] = [:]
            for topic in response.topics {
                for partition in topic.partitions {
                    errors[TopicPartition(topic.name, partition.partitionIndex)] = partition.errorCode
                }
            }
            return errors
        }
    }
}
