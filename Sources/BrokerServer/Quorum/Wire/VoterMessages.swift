import Primitives
import Quorum
import WireMessages
import WireProtocol

extension ApiVersionsRequest {
    /// One that says who asks.
    static var asking: ApiVersionsRequest {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = ApiVersionsHandler.ownSoftwareName
        request.clientSoftwareVersion = "1"
        return request
    }
}

/// Changes of the voters on the wire, as this node asks for them.
extension OutgoingQuorumMessages {
    func addVoter(_ ask: AddVoterAsk) -> AddRaftVoterRequest {
        var request = AddRaftVoterRequest()
        request.clusterID = clusterID
        request.timeoutMilliseconds = Int32(clamping: ask.timeoutMilliseconds)
        request.voterID = ask.voter.key.id
        request.voterDirectoryID = ask.voter.key.directoryID ?? .zero
        request.listeners = ask.voter.endpoints.map { endpoint in
            var listener = AddRaftVoterRequest.Listener()
            listener.name = endpoint.listenerName
            listener.host = endpoint.host
            listener.port = endpoint.port
            return listener
        }
        request.ackWhenCommitted = ask.answersWhenCommitted
        return request
    }

    func removeVoter(_ ask: RemoveVoterAsk) -> RemoveRaftVoterRequest {
        var request = RemoveRaftVoterRequest()
        request.clusterID = clusterID
        request.voterID = ask.key.id
        request.voterDirectoryID = ask.key.directoryID ?? .zero
        return request
    }

    func updateVoter(_ ask: UpdateVoterAsk) -> UpdateRaftVoterRequest {
        var request = UpdateRaftVoterRequest()
        request.clusterID = clusterID
        request.currentLeaderEpoch = ask.epoch
        request.voterID = ask.voter.key.id
        request.voterDirectoryID = ask.voter.key.directoryID ?? .zero
        request.listeners = ask.voter.endpoints.map { endpoint in
            var listener = UpdateRaftVoterRequest.Listener()
            listener.name = endpoint.listenerName
            listener.host = endpoint.host
            listener.port = endpoint.port
            return listener
        }
        request.kRaftVersionFeature.minSupportedVersion = ask.voter.kraftVersions.lowerBound
        request.kRaftVersionFeature.maxSupportedVersion = ask.voter.kraftVersions.upperBound
        return request
    }
}

/// The answers to them, and the leader's address that answers bring.
extension IncomingQuorumReplies {
    static func addVoter(_ response: AddRaftVoterResponse) -> QuorumReply? { .voterChange(response.errorCode) }
    static func removeVoter(_ response: RemoveRaftVoterResponse) -> QuorumReply? { .voterChange(response.errorCode) }

    static func updateVoter(_ response: UpdateRaftVoterResponse) -> QuorumReply? {
        let leader = response.currentLeader
        return .updateVoter(MetadataPartition.verdict(response.errorCode, leader.leaderID, leader.leaderEpoch))
    }

    static func kraftVersions(_ response: ApiVersionsResponse) -> QuorumReply? {
        guard response.errorCode == .noError else { return nil }
        let feature = response.supportedFeatures.first { $0.name == "kraft.version" }
        guard let feature, feature.minVersion <= feature.maxVersion else { return .supportedKraftVersions(nil) }
        return .supportedKraftVersions(feature.minVersion...feature.maxVersion)
    }

    static func named(_ response: VoteResponse) -> [QuorumPeers.NamedEndpoint] {
        response.nodeEndpoints.map { ($0.nodeID, $0.host, Int($0.port)) }
    }

    static func named(_ response: BeginQuorumEpochResponse) -> [QuorumPeers.NamedEndpoint] {
        response.nodeEndpoints.map { ($0.nodeID, $0.host, Int($0.port)) }
    }

    static func named(_ response: EndQuorumEpochResponse) -> [QuorumPeers.NamedEndpoint] {
        response.nodeEndpoints.map { ($0.nodeID, $0.host, Int($0.port)) }
    }

    static func named(_ response: FetchResponse) -> [QuorumPeers.NamedEndpoint] {
        response.nodeEndpoints.map { ($0.nodeID, $0.host, Int($0.port)) }
    }

    static func named(_ response: FetchSnapshotResponse) -> [QuorumPeers.NamedEndpoint] {
        response.nodeEndpoints.map { ($0.nodeID, $0.host, Int($0.port)) }
    }

    static func named(_ response: UpdateRaftVoterResponse) -> [QuorumPeers.NamedEndpoint] {
        let leader = response.currentLeader
        return leader.leaderID.value < 0 ? [] : [(leader.leaderID, leader.host, Int(leader.port))]
    }
}
