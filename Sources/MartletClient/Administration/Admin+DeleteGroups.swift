import Primitives
import WireMessages

extension Admin {
    /// Removes a group without members, with all that it committed.
    package func deleteGroup(_ group: String) async throws(ClientError) {
        var request = DeleteGroupsRequest()
        request.groupsNames = [group]
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let coordinator = try await coordinator(of: group)
            let response = try await cluster.send(asked, to: .broker(coordinator))
            guard let result = response.results.first else { throw ClientError(code: .unknownServerError) }
            guard result.errorCode == .noError else { throw ClientError(code: result.errorCode) }
        }
    }
}
