package import Primitives
package import WireMessages

/// OffsetFetch and OffsetCommit of one group.
package enum CommittedOffsets {
    /// Later versions name topics by id only.
    package static let versionMax: Int16 = 9

    /// A committed position and the epoch of the record before it.
    package struct Position: Hashable, Sendable {
        package let offset: Offset
        package let leaderEpoch: LeaderEpoch?

        package init(offset: Offset, leaderEpoch: LeaderEpoch?) {
            self.offset = offset
            self.leaderEpoch = leaderEpoch
        }
    }

    /// The request for some partitions, or for all that the group has committed. It carries its contents in the old and
    /// the new form, as the version is chosen later.
    package static func request(group: String, places: [TopicPartition]?) -> OffsetFetchRequest {
        var request = OffsetFetchRequest()
        var entry = OffsetFetchRequest.OffsetFetchRequestGroup()
        entry.groupID = group
        entry.topics = places.map { places in
            Set(places.map(\.topic)).sorted().map { topic in
                var named = OffsetFetchRequest.OffsetFetchRequestTopics()
                named.name = topic
                named.partitionIndexes = places.filter { $0.topic == topic }.map(\.partition)
                return named
            }
        }
        request.groups = [entry]
        return request
    }

    /// What a response says; partitions without a commit are left out.
    package static func answer(
        _ response: OffsetFetchResponse
    ) -> (error: ErrorCode, offsets: [TopicPartition: Position]) {
        guard let group = response.groups.first else { return (.unknownServerError, [:]) }
        var offsets: [TopicPartition: Position] = [:]
        var error = group.errorCode
        for topic in group.topics {
            for partition in topic.partitions {
                if partition.errorCode != .noError { error = partition.errorCode }
                guard partition.committedOffset.value >= 0 else { continue }
                let epoch = partition.committedLeaderEpoch
                offsets[TopicPartition(topic.name, partition.partitionIndex)] = Position(
                    offset: partition.committedOffset, leaderEpoch: epoch.value >= 0 ? epoch : nil)
            }
        }
        return (error, offsets)
    }

    /// The request that commits positions in the name of a member.
    package static func commit(
        group: String, memberID: String, generation: Int32?, instanceID: String?,
        _ positions: [TopicPartition: Position]
    ) -> OffsetCommitRequest {
        var request = OffsetCommitRequest()
        request.groupID = group
        request.generationIDOrMemberEpoch = generation ?? -1
        request.memberID = memberID
        request.groupInstanceID = instanceID
        for topic in Set(positions.keys.map(\.topic)).sorted() {
            var entry = OffsetCommitRequest.OffsetCommitRequestTopic()
            entry.name = topic
            entry.partitions = positions.filter { $0.key.topic == topic }.sorted { $0.key < $1.key }
                .map { place, position in
                    var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
                    partition.partitionIndex = place.partition
                    partition.committedOffset = position.offset
                    partition.committedLeaderEpoch = position.leaderEpoch ?? LeaderEpoch(-1)
                    partition.committedMetadata = ""
                    return partition
                }
            request.topics.append(entry)
        }
        return request
    }

    /// The first error of a response, if there is one.
    package static func error(_ response: OffsetCommitResponse) -> ErrorCode {
        response.topics.flatMap(\.partitions).map(\.errorCode).first { $0 != .noError } ?? .noError
    }
}
