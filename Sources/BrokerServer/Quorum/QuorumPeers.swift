import Primitives
import Quorum
import WireMessages
import WireProtocol
import World

/// The connections to the voters, and the quorum's requests on them.
///
/// Two for each voter: a fetch that waits at the leader holds up what is behind it on its connection, and a vote must
/// not wait. `@unchecked Sendable`: touched on the control loop only; completions come there too.
final class QuorumPeers: @unchecked Sendable {
    typealias Completion = @Sendable (Result<QuorumReply, RequestFailure>) -> Void

    private struct Peer {
        let notices: PeerConnection
        let fetches: PeerConnection
    }

    private let peers: [BrokerID: Peer]
    private let messages: OutgoingQuorumMessages
    private let requestTimeoutMilliseconds: Int64

    init(
        voters: [VoterAddress], messages: OutgoingQuorumMessages, clientID: String, requestTimeoutMilliseconds: Int64,
        world: World
    ) {
        var limits = PeerLimits()
        limits.backoffMilliseconds = 20...200
        limits.requestsMax = 32
        var peers: [BrokerID: Peer] = [:]
        func connection(_ endpoint: Endpoint) -> PeerConnection {
            PeerConnection(
                to: endpoint, clientID: clientID, network: world.network, clock: world.clock, loop: world.controlLoop,
                limits: limits)
        }
        for voter in voters {
            peers[voter.id] = Peer(notices: connection(voter.endpoint), fetches: connection(voter.endpoint))
        }
        self.peers = peers
        self.messages = messages
        self.requestTimeoutMilliseconds = requestTimeoutMilliseconds
    }

    func send(_ request: QuorumRequest, to id: BrokerID, completion: @escaping Completion) {
        guard let peer = peers[id] else { return completion(.failure(.noAnswer)) }
        switch request {
        case .vote(let ask): sendVote(ask, peer.notices, completion)
        case .beginEpoch(let notice):
            send(messages.beginEpoch(notice), peer.notices, IncomingQuorumReplies.beginEpoch, completion)
        case .endEpoch(let notice):
            send(messages.endEpoch(notice), peer.notices, IncomingQuorumReplies.endEpoch, completion)
        case .fetch(let fetch):
            send(messages.fetch(fetch), peer.fetches, IncomingQuorumReplies.fetch, completion)
        case .fetchSnapshot(let fetch):
            send(messages.fetchSnapshot(fetch), peer.fetches, IncomingQuorumReplies.fetchSnapshot, completion)
        }
    }

    /// A pre-vote must not go out as a vote in a version that can't tell them apart. A peer that knows no pre-votes
    /// can't refuse one.
    private func sendVote(_ ask: VoteAsk, _ connection: PeerConnection, _ completion: @escaping Completion) {
        guard ask.isPreVote else { return send(messages.vote(ask), connection, IncomingQuorumReplies.vote, completion) }
        let granted = QuorumReply.vote(Verdict(leaderID: nil, epoch: ask.epoch), isGranted: true)
        connection.send(
            messages.vote(ask), minVersion: 2, timeoutMilliseconds: requestTimeoutMilliseconds
        ) { result in
            if case .failure(.unsupported) = result { return completion(.success(granted)) }
            completion(QuorumPeers.reply(result, IncomingQuorumReplies.vote))
        }
    }

    private func send<Request: WireRequest>(
        _ request: Request, _ connection: PeerConnection,
        _ read: @escaping @Sendable (Request.Response) -> QuorumReply?, _ completion: @escaping Completion
    ) {
        connection.send(request, timeoutMilliseconds: requestTimeoutMilliseconds) { result in
            completion(QuorumPeers.reply(result, read))
        }
    }

    private static func reply<Response>(
        _ result: Result<Response, PeerError>, _ read: (Response) -> QuorumReply?
    ) -> Result<QuorumReply, RequestFailure> {
        switch result {
        case .success(let response): read(response).map { .success($0) } ?? .failure(.noAnswer)
        case .failure(.refused): .failure(.refused)
        case .failure(.unreachable), .failure(.closed), .failure(.timedOut), .failure(.unsupported),
            .failure(.malformed), .failure(.queueFull), .failure(.shutDown):
            .failure(.noAnswer)
        }
    }

    /// Passes a DescribeQuorum on to the leader.
    func forward(
        _ request: DescribeQuorumRequest, to id: BrokerID, version: Int16,
        completion: @escaping @Sendable (Result<DescribeQuorumResponse, PeerError>) -> Void
    ) {
        guard let peer = peers[id] else { return completion(.failure(.shutDown)) }
        peer.notices.send(
            request, maxVersion: version, timeoutMilliseconds: requestTimeoutMilliseconds, completion: completion)
    }

    func shutDown() {
        for peer in peers.values {
            peer.notices.shutDown()
            peer.fetches.shutDown()
        }
    }
}
