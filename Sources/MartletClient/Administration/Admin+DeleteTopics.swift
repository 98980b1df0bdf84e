import Primitives
import WireMessages

extension Admin {
    /// Removes topics with all their records, in one request.
    ///
    /// - Errors: that of the first topic that was refused; the others are gone.
    package func deleteTopics(_ names: [String]) async throws(ClientError) {
        var left = names
        try await cluster.retrying { () throws(ClientError) in
            var request = DeleteTopicsRequest()
            request.topics = left.map { name in
                var state = DeleteTopicsRequest.DeleteTopicState()
                state.name = name
                return state
            }
            request.timeoutMilliseconds = Int32(cluster.configuration.requestTimeoutMilliseconds)
            let response = try await cluster.send(request, to: .anyBroker)
            let failed = response.responses.filter { $0.errorCode != .noError }
            // A second attempt names only those that are still to go: the others would count as unknown.
            left = failed.compactMap { $0.errorCode.isRetriable ? $0.name : nil }
            guard let worst = failed.first(where: { !$0.errorCode.isRetriable }) ?? failed.first else { return }
            throw ClientError(code: worst.errorCode, message: worst.errorMessage)
        }
    }
}
