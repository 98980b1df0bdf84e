import Primitives
import Quorum
import WireMessages
import WireProtocol

/// An answer to AddRaftVoter or RemoveRaftVoter: a code and a sentence.
protocol VoterChangeResponse: WireMessage {
    var errorCode: ErrorCode { get set }
    var errorMessage: String? { get set }
}

extension AddRaftVoterResponse: VoterChangeResponse {}
extension RemoveRaftVoterResponse: VoterChangeResponse {}

extension VoterChangeResponse {
    init(_ code: ErrorCode, _ message: String?) {
        self.init()
        errorCode = code
        errorMessage = message
    }
}

extension QuorumHost {
    /// Has the core decide on a change of the voters, and answers.
    func change<Response: VoterChangeResponse>(_ request: QuorumRequest, _ reply: Reply<Response>) {
        onLoop {
            guard self.replica != nil else { return reply(Response(.notLeaderOrFollower, nil)) }
            self.ask(request) { answer in
                guard case .voterChange(let verdict, let refusal) = answer else { return }
                reply(Response(verdict.error, refusal.map { "\($0)" }))
            }
        }
    }
}
