package import ClientCore
package import Primitives
import WireMessages

extension Admin {
    /// Removes the records before an offset in each partition; -1 stands for the high watermark. Each leader is asked
    /// for its own, again where it no longer leads.
    ///
    /// - Returns: the first offset that is left, or why nothing was removed.
    package func deleteRecords(
        before offsets: [TopicPartition: Offset]
    ) async throws(ClientError) -> [TopicPartition: Result<Offset, ClientError>] {
        var results: [TopicPartition: Result<Offset, ClientError>] = [:]
        var left = offsets.keys.sorted()
        do throws(ClientError) {
            try await cluster.retrying { () throws(ClientError) in
                let failed = try await cluster.refresh(topics: Set(left.map(\.topic)).sorted())
                let view = cluster.view
                var byLeader: [BrokerID: [TopicPartition]] = [:]
                for place in left {
                    if let leader = view.partition(place)?.leader {
                        byLeader[leader, default: []].append(place)
                    } else {
                        let isKnown = view.partition(place) != nil
                        let code = failed[place.topic] ?? (isKnown ? .leaderNotAvailable : .unknownTopicOrPartition)
                        results[place] = .failure(ClientError(code: code))
                    }
                }
                for (leader, places) in byLeader.sorted(by: { $0.key < $1.key }) {
                    let answers = try await deleteRecords(before: offsets, of: places, at: leader)
                    results.merge(answers) { _, new in new }
                }
                left = left.filter { place in
                    guard case .failure(let error) = results[place] else { return false }
                    return error.isRetriable && error.code != .unknownTopicOrPartition
                }
                if let first = left.first, case .failure(let error) = results[first] { throw error }
            }
        } catch {
            // Time is over for partitions that are still without a leader: they have that error in the results.
            guard !left.isEmpty, error.kind == .broker else { throw error }
        }
        return results
    }

    private func deleteRecords(
        before offsets: [TopicPartition: Offset], of places: [TopicPartition], at leader: BrokerID
    ) async throws(ClientError) -> [TopicPartition: Result<Offset, ClientError>] {
        var request = DeleteRecordsRequest()
        request.timeoutMilliseconds = Int32(cluster.configuration.requestTimeoutMilliseconds)
        request.topics = Dictionary(grouping: places, by: \.topic).sorted { $0.key < $1.key }.map { topic, places in
            var entry = DeleteRecordsRequest.DeleteRecordsTopic()
            entry.name = topic
            entry.partitions = places.map { place in
                var partition = DeleteRecordsRequest.DeleteRecordsPartition()
                partition.partitionIndex = place.partition
                partition.offset = offsets[place] ?? Offset(-1)
                return partition
            }
            return entry
        }
        let response = try await cluster.send(request, to: .broker(leader))
        var results: [TopicPartition: Result<Offset, ClientError>] = [:]
        for topic in response.topics {
            for partition in topic.partitions {
                let place = TopicPartition(topic.name, partition.partitionIndex)
                results[place] =
                    partition.errorCode == .noError
                    ? .success(Offset(partition.lowWatermark)) : .failure(ClientError(code: partition.errorCode))
            }
        }
        return results
    }
}
