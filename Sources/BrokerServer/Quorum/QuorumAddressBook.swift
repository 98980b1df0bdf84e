import Primitives
import Quorum
import World

/// Where the nodes of the quorum are reached: by the configuration, by the records of the voters, and by what they said
/// of themselves and each other.
struct QuorumAddressBook {
    /// Learned addresses that are kept; beyond it all are learned anew.
    private static let learnedMax = 100

    let own: (id: BrokerID, endpoint: VoterEndpoint?)
    private let listenerName: String
    private let configured: [BrokerID: VoterEndpoint]
    private var voters: [BrokerID: VoterEndpoint] = [:]
    private var learned: [BrokerID: VoterEndpoint] = [:]
    private var isDynamic = false

    init(_ setup: QuorumSetup) {
        listenerName = setup.controllerListenerName
        configured = Dictionary(
            setup.voters.map { voter in
                (
                    voter.id,
                    VoterEndpoint(
                        listenerName: setup.controllerListenerName, host: voter.endpoint.host,
                        port: UInt16(clamping: voter.endpoint.port))
                )
            }, uniquingKeysWith: { first, _ in first })
        own = (setup.nodeID, configured[setup.nodeID] ?? setup.endpoints.first)
    }

    /// Where a node is reached. Static voters are where the configuration says; of dynamic ones the newest word counts.
    func endpoint(of id: BrokerID) -> VoterEndpoint? {
        if id == own.id { return own.endpoint }
        return isDynamic
            ? learned[id] ?? voters[id] ?? configured[id] : configured[id] ?? learned[id] ?? voters[id]
    }

    mutating func follow(_ history: VoterHistory) {
        isDynamic = history.isDynamic
        for voter in history.voters.members {
            let endpoint = voter.endpoints.first { $0.listenerName == listenerName } ?? voter.endpoints.first
            guard voters[voter.key.id] != endpoint else { continue }
            voters[voter.key.id] = endpoint
            learned[voter.key.id] = nil
        }
    }

    /// A node named where a leader is, which may be itself.
    mutating func learn(_ id: BrokerID, host: String, port: Int) {
        guard id != own.id, !host.isEmpty, let port = UInt16(exactly: port), port > 0 else { return }
        if learned.count >= QuorumAddressBook.learnedMax { learned = [:] }
        learned[id] = VoterEndpoint(listenerName: listenerName, host: host, port: port)
    }
}
