package import ClientCore
import Primitives
import WireMessages

/// Which replica an election by hand may choose.
package enum ElectionKind: Int8, Hashable, Sendable {
    /// The first of the assignment, if it is in sync.
    case preferred = 0
    /// Any that is alive, at the price of records that only others have.
    case unclean = 1
}

extension Admin {
    /// Elects leaders; nil stands for all partitions that need it.
    ///
    /// - Returns: the outcome of each partition that the cluster tells of; nil where the election took place.
    package func electLeaders(
        _ kind: ElectionKind, of places: [TopicPartition]?
    ) async throws(ClientError) -> [TopicPartition: ClientError?] {
        var request = ElectLeadersRequest()
        request.electionType = kind.rawValue
        request.timeoutMilliseconds = Int32(clamping: cluster.configuration.requestTimeoutMilliseconds)
        request.topicPartitions = places.map { places in
            Set(places.map(\.topic)).sorted().map { name in
                var topic = ElectLeadersRequest.TopicPartitions()
                topic.topic = name
                topic.partitions = places.filter { $0.topic == name }.map(\.partition).sorted()
                return topic
            }
        }
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.sendToAdministration(asked)
            guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
            var outcomes: [TopicPartition: ClientError?] = [:]
            for topic in response.replicaElectionResults {
                for result in topic.partitionResult {
                    let error = result.errorCode
                    outcomes[TopicPartition(topic.topic, result.partitionID)] = .some(
                        error == .noError ? nil : ClientError(code: error, message: result.errorMessage))
                }
            }
            return outcomes
        }
    }
}
