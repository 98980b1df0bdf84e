import Primitives
package import WireMessages

extension Admin {
    /// Adds partitions to topics, in one request.
    ///
    /// - Errors: that of the first topic that was refused; the others have got theirs.
    package func createPartitions(
        _ topics: [CreatePartitionsRequest.CreatePartitionsTopic]
    ) async throws(ClientError) {
        var request = CreatePartitionsRequest()
        request.topics = topics
        request.timeoutMilliseconds = Int32(cluster.configuration.requestTimeoutMilliseconds)
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.send(asked, to: .anyBroker)
            for result in response.results where result.errorCode != .noError {
                throw ClientError(code: result.errorCode, message: result.errorMessage)
            }
        }
    }
}
