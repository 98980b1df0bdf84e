import Primitives
import Quorum
import WireMessages
import WireProtocol
import World

/// The connections to other nodes of the quorum, and its requests on them.
///
/// Two for each node: a fetch that waits at the leader holds up what is behind it on its connection, and a vote must
/// not wait. `@unchecked Sendable`: touched on the control loop only; completions come there too.
final class QuorumPeers: @unchecked Sendable {
    typealias Completion = @Sendable (Result<QuorumReply, RequestFailure>) -> Void
    /// A node and where it is said to be.
    typealias NamedEndpoint = (id: BrokerID, host: String, port: Int)

    private struct Peer {
        let endpoint: Endpoint
        let notices: PeerConnection
        let fetches: PeerConnection

        func shutDown() {
            notices.shutDown()
            fetches.shutDown()
        }
    }

    /// Addresses that are connected to without knowing who is there; beyond it the others are closed first.
    private static let strangersMax = 32

    private var peers: [BrokerID: Peer] = [:]
    private var strangers: [QuorumAddress: Peer] = [:]
    private(set) var book: QuorumAddressBook
    private let messages: OutgoingQuorumMessages
    private let clientID: String
    private let requestTimeoutMilliseconds: Int64
    private let world: World

    init(_ setup: QuorumSetup, world: World) {
        book = QuorumAddressBook(setup)
        messages = OutgoingQuorumMessages(
            clusterID: setup.clusterID, ownEndpoint: book.own.endpoint, fetchBytesMax: setup.fetchBytesMax,
            snapshotBytesMax: setup.snapshotFetchBytesMax)
        clientID = "quorum-\(setup.nodeID)"
        requestTimeoutMilliseconds = setup.requestTimeoutMilliseconds
        self.world = world
    }

    /// The voters are others, or elsewhere.
    func follow(_ history: VoterHistory) { book.follow(history) }

    func learn(_ id: BrokerID, host: String, port: Int) { book.learn(id, host: host, port: port) }

    func send(_ request: QuorumRequest, to id: BrokerID, completion: @escaping Completion) {
        guard let peer = peer(id) else { return completion(.failure(.noAnswer)) }
        send(request, peer, completion)
    }

    func send(_ request: QuorumRequest, to address: QuorumAddress, completion: @escaping Completion) {
        let known: Peer
        if let stranger = strangers[address] {
            known = stranger
        } else {
            if strangers.count >= QuorumPeers.strangersMax {
                shutDownStrangers()
                strangers = [:]
            }
            known = connect(to: Endpoint(host: address.host, port: Int(address.port)))
            strangers[address] = known
        }
        send(request, known, completion)
    }

    /// The connections to a node, made anew where it has moved.
    private func peer(_ id: BrokerID) -> Peer? {
        guard id != book.own.id, let known = book.endpoint(of: id) else { return nil }
        let endpoint = Endpoint(host: known.host, port: Int(known.port))
        if let peer = peers[id] {
            if peer.endpoint == endpoint { return peer }
            peer.shutDown()
        }
        let made = connect(to: endpoint)
        peers[id] = made
        return made
    }

    private func connect(to endpoint: Endpoint) -> Peer {
        var limits = PeerLimits()
        limits.backoffMilliseconds = 20...200
        limits.requestsMax = 32
        func connection() -> PeerConnection {
            PeerConnection(
                to: endpoint, clientID: clientID, network: world.network, clock: world.clock, loop: world.controlLoop,
                limits: limits)
        }
        return Peer(endpoint: endpoint, notices: connection(), fetches: connection())
    }

    private func send(_ request: QuorumRequest, _ peer: Peer, _ completion: @escaping Completion) {
        typealias Replies = IncomingQuorumReplies
        let (notices, fetches) = (peer.notices, peer.fetches)
        switch request {
        case .vote(let ask): sendVote(ask, notices, completion)
        case .beginEpoch(let notice):
            send(messages.beginEpoch(notice), notices, Replies.beginEpoch, Replies.named, completion)
        case .endEpoch(let notice):
            send(messages.endEpoch(notice), notices, Replies.endEpoch, Replies.named, completion)
        case .fetch(let fetch): send(messages.fetch(fetch), fetches, Replies.fetch, Replies.named, completion)
        case .fetchSnapshot(let fetch):
            send(messages.fetchSnapshot(fetch), fetches, Replies.fetchSnapshot, Replies.named, completion)
        case .addVoter(let ask): sendAddVoter(ask, notices, completion)
        case .removeVoter(let ask):
            send(messages.removeVoter(ask), notices, Replies.removeVoter, { _ in [] }, completion)
        case .updateVoter(let ask):
            send(messages.updateVoter(ask), notices, Replies.updateVoter, Replies.named, completion)
        case .supportedKraftVersions:
            send(ApiVersionsRequest.asking, notices, Replies.kraftVersions, { _ in [] }, completion)
        case .finalizeKraftVersion: preconditionFailure("kraft.version is finalized by the leader's own controller")
        }
    }

    /// A pre-vote must not go out as a vote in a version that can't tell them apart. A peer that knows no pre-votes
    /// can't refuse one.
    private func sendVote(_ ask: VoteAsk, _ connection: PeerConnection, _ completion: @escaping Completion) {
        guard ask.isPreVote else {
            return send(
                messages.vote(ask), connection, IncomingQuorumReplies.vote, IncomingQuorumReplies.named, completion)
        }
        let granted = QuorumReply.vote(Verdict(leaderID: nil, epoch: ask.epoch), isGranted: true)
        connection.send(
            messages.vote(ask), minVersion: 2, timeoutMilliseconds: requestTimeoutMilliseconds
        ) { result in
            if case .failure(.unsupported) = result { return completion(.success(granted)) }
            self.learn(result, IncomingQuorumReplies.named)
            completion(QuorumPeers.reply(result, IncomingQuorumReplies.vote))
        }
    }

    /// Before version 1 (Kafka 4.2) the answer comes only when the change is committed, and a request can't say else.
    private func sendAddVoter(_ ask: AddVoterAsk, _ connection: PeerConnection, _ completion: @escaping Completion) {
        let request = messages.addVoter(ask)
        connection.send(
            request, minVersion: request.ackWhenCommitted ? 0 : 1, timeoutMilliseconds: requestTimeoutMilliseconds
        ) { result in
            guard case .failure(.unsupported) = result, !ask.answersWhenCommitted else {
                return completion(QuorumPeers.reply(result, IncomingQuorumReplies.addVoter))
            }
            var patient = ask
            patient.answersWhenCommitted = true
            self.sendAddVoter(patient, connection, completion)
        }
    }

    private func send<Request: WireRequest>(
        _ request: Request, _ connection: PeerConnection,
        _ read: @escaping @Sendable (Request.Response) -> QuorumReply?,
        _ named: @escaping @Sendable (Request.Response) -> [NamedEndpoint], _ completion: @escaping Completion
    ) {
        connection.send(request, timeoutMilliseconds: requestTimeoutMilliseconds) { result in
            self.learn(result, named)
            completion(QuorumPeers.reply(result, read))
        }
    }

    private func learn<Response>(
        _ result: Result<Response, PeerError>, _ named: (Response) -> [NamedEndpoint]
    ) {
        guard case .success(let response) = result else { return }
        for node in named(response) { learn(node.id, host: node.host, port: node.port) }
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
        guard let peer = peer(id) else { return completion(.failure(.shutDown)) }
        peer.notices.send(
            request, maxVersion: version, timeoutMilliseconds: requestTimeoutMilliseconds, completion: completion)
    }

    private func shutDownStrangers() {
        for (_, stranger) in strangers.sorted(by: { "\($0.key)" < "\($1.key)" }) { stranger.shutDown() }
    }

    func shutDown() {
        for (_, peer) in peers.sorted(by: { $0.key < $1.key }) { peer.shutDown() }
        shutDownStrangers()
    }
}
