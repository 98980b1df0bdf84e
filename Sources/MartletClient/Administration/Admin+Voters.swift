import ClientCore
package import Primitives
package import WireMessages

/// Voters of the metadata quorum (KIP-853).
extension Admin {
    /// Makes a controller a voter; answers when that is committed.
    ///
    /// - Errors: those of AddRaftVoter, with the cluster's sentence. It is not asked twice: a voter that was added
    ///   would be refused then.
    package func addVoter(
        _ id: BrokerID, directory: DirectoryID, listeners: [AddRaftVoterRequest.Listener],
        timeoutMilliseconds: Int32 = 30_000
    ) async throws(ClientError) {
        var request = AddRaftVoterRequest()
        request.clusterID = nil
        request.voterID = id
        request.voterDirectoryID = directory
        request.listeners = listeners
        request.timeoutMilliseconds = timeoutMilliseconds
        let response = try await cluster.sendToAdministration(request)
        guard response.errorCode == .noError else {
            throw ClientError(code: response.errorCode, message: response.errorMessage)
        }
    }

    /// Takes a voter's vote; answers when that is committed.
    ///
    /// - Errors: those of RemoveRaftVoter, with the cluster's sentence.
    package func removeVoter(_ id: BrokerID, directory: DirectoryID) async throws(ClientError) {
        var request = RemoveRaftVoterRequest()
        request.clusterID = nil
        request.voterID = id
        request.voterDirectoryID = directory
        let response = try await cluster.sendToAdministration(request)
        guard response.errorCode == .noError else {
            throw ClientError(code: response.errorCode, message: response.errorMessage)
        }
    }
}
