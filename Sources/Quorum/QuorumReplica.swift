package import Primitives

/// One replica of the metadata log: the KRaft state machine (KIP-595, KIP-630, KIP-853, KIP-996) without clock, disk,
/// network or chance of its own.
///
/// Each step takes one input and gives the effects to perform, in order and before the next step. What must be durable
/// before anything else happens wraps the rest in one `persist` effect, so the memory never runs ahead of the vote
/// file as seen from outside.
package struct QuorumReplica: Sendable {
    /// Who this replica is, where it listens and what it can do.
    package let own: Voter
    package internal(set) var history: VoterHistory
    package let settings: QuorumSettings
    /// The content of the vote file once the last step's effects are performed.
    package internal(set) var election: ElectionState
    package internal(set) var role: Role
    package internal(set) var log: LogView
    /// The exclusive end of what this replica has and knows to be committed; nil until it heard. At a start it is the
    /// end of a snapshot, however much was committed behind that since.
    package internal(set) var highWatermark: Offset?
    /// The greatest exclusive end of what is committed that a leader has named, or found as one, in this life of the
    /// process; nil before. Who has applied all below knows what was committed when the process started.
    package internal(set) var toldHighWatermark: Offset?

    var generator: SeededGenerator
    /// Elections lost or run out since a leader was last heard: the wait grows with it.
    var lostElections = 0
    /// How late the own steps were.
    var stalls = OwnStalls()
    /// How often the leader's address refused since a leader was last heard.
    var refusals = 0
    /// The voter that a search for the leader asks next, by position.
    var searchPosition = 0
    /// The voters that are known to be of another make.
    var others: Set<BrokerID> = []
    var isShuttingDown = false
    var lastRequestID = RequestID(0)
    /// The newest flush asked for and not yet done.
    var flushAsked: FlushTicket?
    var isHalted = false
    /// The effects of the running step.
    var effects: [QuorumEffect] = []

    /// - Parameters:
    ///   - election: what the vote file says; epoch 0 when there is none.
    ///   - log: the log after recovery, flushed.
    ///   - generator: draws the election timeouts; each node must have another.
    package init(
        _ own: Voter, history: VoterHistory, settings: QuorumSettings, election: ElectionState, log: LogView,
        generator: SeededGenerator
    ) {
        self.own = own
        self.history = history
        self.settings = settings
        self.election = election
        self.log = log
        self.generator = generator
        highWatermark = log.latestSnapshot?.endOffset
        role = .unattached(UnattachedState(electionAt: nil, search: .done))
        precondition(log.isBlank || election.standing != .unproven, "a voter with entries counts as one without")
        precondition(log.lastEpoch <= election.epoch, "the log holds an epoch that the vote file does not know")
    }

    /// Who this replica is.
    package var me: ReplicaKey { own.key }
    /// Those who vote, by the newest word of this replica's own log.
    package var voters: VoterSet { history.voters }
    package var isVoter: Bool { voters.contains(me) }

    /// Whether this replica had a vote until the newest record took it, and that record is not known to be committed:
    /// it may be the only one that has it, and so the only one that can lead (Raft thesis, 4.2.2).
    package var isLeaving: Bool {
        guard !isVoter, let offset = history.votersOffset else { return false }
        return offset >= highWatermark ?? .zero && history.formerVoters.contains(me)
    }

    /// How far this voter can be believed: an entry of its own makes a founder as good as any.
    package var standing: VoterStanding {
        switch election.standing {
        case .founding, .expecting: log.isBlank ? election.standing : .proven
        case .unproven, .catchingUp, .proven: election.standing
        }
    }

    /// A voter, or one that is leaving, stands unless there are entries that it lacks all of (design, section 7).
    var mayStand: Bool {
        guard isVoter || isLeaving, !isShuttingDown else { return false }
        return switch standing {
        case .unproven, .founding, .proven: true
        case .expecting, .catchingUp: false
        }
    }

    /// The leader this replica is or follows. One that doubts its leader names none, though its vote file does; nor
    /// does a leader name itself before the first entry of its epoch is durable.
    package var leaderID: BrokerID? {
        switch role {
        case .leader(let state): log.flushedEnd > state.epochStart ? me.id : nil
        case .follower(let state): state.leaderID
        case .unattached, .prospective, .candidate, .resigned: nil
        }
    }

    /// Takes one input; see the type.
    package mutating func step(_ input: QuorumInput, now: MonotonicInstant) -> [QuorumEffect] {
        guard !isHalted else { return [] }
        let electionBefore = election
        let leaderBefore = (leaderID, election.epoch)
        let ledBefore = role.leading?.epoch
        let votersBefore = voters
        stalls.noteStep(dueAt: nextDeadline, graceMilliseconds: settings.fetchWaitMilliseconds, now: now)
        handle(input, now: now)
        if !isHalted {
            runTimers(now: now)
            noteCaughtUp()
            pursueVoterChange(now: now)
            sendWhatIsDue(now: now)
        }
        if votersBefore != voters { effects.append(.votersChanged(voters)) }
        if leaderBefore != (leaderID, election.epoch) { effects.append(.leaderChanged(leaderID, election.epoch)) }
        if let ledBefore, role.leading?.epoch != ledBefore { effects.insert(.lostLeadership(ledBefore), at: 0) }
        let made = effects
        effects = []
        return election == electionBefore ? made : [.persist(election, then: made)]
    }

    private mutating func handle(_ input: QuorumInput, now: MonotonicInstant) {
        switch input {
        case .started: start(now: now)
        case .tick: break
        case .asked(let token, let request): answer(request, token: token, now: now)
        case .askerLeft(let token): forgetWaiting(token)
        case .replied(let id, let reply): take(reply, to: id, now: now)
        case .failed(let id, let failure): requestFailed(id, failure, now: now)
        case .makeShown(let id, let isMartlet): noteMake(of: id, isMartlet: isMartlet, now: now)
        case .leaderRefused(let leader): leaderRefused(leader, now: now)
        case .append(let ticket, let count, let epoch): append(ticket, count: count, expecting: epoch, now: now)
        case .flushed(let ticket): flushed(ticket, now: now)
        case .snapshotTaken(let snapshot): snapshotTaken(snapshot)
        case .snapshotInstalled(let snapshot, let voters): history.reset(to: voters, end: snapshot.endOffset)
        case .prefixDropped(let snapshot):
            log.dropPrefix(upTo: snapshot)
            history.dropPrefix(before: log.start)
        case .resign(let epoch): resign(epoch, now: now)
        case .shutDown: shutDown(now: now)
        }
    }

    private mutating func answer(_ request: QuorumRequest, token: RequestToken, now: MonotonicInstant) {
        switch request {
        case .vote(let ask): answerVote(ask, token: token, now: now)
        case .beginEpoch(let notice): answerBeginEpoch(notice, token: token, now: now)
        case .endEpoch(let notice): answerEndEpoch(notice, token: token, now: now)
        case .fetch(let fetch): answerFetch(fetch, token: token, now: now)
        case .fetchSnapshot(let fetch): answerFetchSnapshot(fetch, token: token, now: now)
        case .addVoter(let ask): answerAddVoter(ask, token: token, now: now)
        case .removeVoter(let ask): answerRemoveVoter(ask, token: token, now: now)
        case .updateVoter(let ask): answerUpdateVoter(ask, token: token, now: now)
        case .finalizeKraftVersion(let ask): answerKraftVersion(ask, token: token, now: now)
        case .supportedKraftVersions: preconditionFailure("ApiVersions is answered outside the quorum")
        }
    }

    private mutating func take(_ reply: QuorumReply, to id: RequestID, now: MonotonicInstant) {
        if case .vote(let verdict, isGranted: true) = reply, verdict.epoch == election.epoch {
            return takeVote(verdict, isGranted: true, id: id, now: now)
        }
        if let verdict = reply.verdict, learn(from: verdict, now: now) { return }
        switch reply {
        case .vote(let verdict, let isGranted): takeVote(verdict, isGranted: isGranted, id: id, now: now)
        case .beginEpoch: break
        case .endEpoch: endEpochAnswered(id)
        case .fetch(let verdict, let highWatermark, let content):
            takeFetched(verdict, highWatermark: highWatermark, content, id: id, now: now)
        case .fetchSnapshot(let verdict, let piece): takeSnapshotPiece(verdict, piece, id: id, now: now)
        case .voterChange(let error): membershipAnswered(id, error, now: now)
        case .updateVoter(let verdict): membershipAnswered(id, verdict.error, now: now)
        case .supportedKraftVersions(let versions): probeAnswered(id, versions, now: now)
        }
    }

    /// What this replica tells others about leader and epoch.
    func verdict(_ error: ErrorCode = .noError) -> Verdict {
        Verdict(error: error, leaderID: leaderID, epoch: election.epoch)
    }

    mutating func drawRequestID() -> RequestID {
        lastRequestID = RequestID(lastRequestID.value + 1)
        return lastRequestID
    }

    /// A random time from once to twice the election timeout from now, and more where this replica stalls.
    mutating func electionDeadline(now: MonotonicInstant) -> MonotonicInstant {
        let least = settings.electionTimeoutMilliseconds + stalls.allowanceMilliseconds
        return now.advanced(byMilliseconds: Int64.random(in: least...2 * least, using: &generator))
    }

    /// A random time from now that is at most `milliseconds` away.
    mutating func randomDelay(upTo milliseconds: Int64, now: MonotonicInstant) -> MonotonicInstant {
        let nanoseconds = Int64.random(in: 0...milliseconds * 1_000_000, using: &generator)
        return MonotonicInstant(now.value + nanoseconds)
    }

    func retryTime(now: MonotonicInstant) -> MonotonicInstant {
        now.advanced(byMilliseconds: settings.retryBackoffMilliseconds)
    }

    mutating func halt(_ fault: QuorumFault) {
        effects.append(.halt(fault))
        isHalted = true
    }
}
