import Primitives
import Quorum
import Testing

/// One replica on the bench: what it is fed, and what it wants done.
struct Bench {
    var replica: QuorumReplica
    var now = MonotonicInstant(0)

    /// Three voters, 1 to 3; this is one of them (or, with another id, an observer).
    init(
        me id: Int32 = 1, voters: [Int32] = [1, 2, 3], election: ElectionState = ElectionState(standing: .unproven),
        log: LogView = LogView()
    ) {
        self.init(
            Voter(key: ReplicaKey(id: BrokerID(id))),
            history: VoterHistory(configured: VoterSet(voters.map { ReplicaKey(id: BrokerID($0)) })),
            election: election, log: log)
    }

    init(
        _ own: Voter, history: VoterHistory, settings: QuorumSettings = QuorumSettings(),
        election: ElectionState = ElectionState(standing: .unproven), log: LogView = LogView()
    ) {
        replica = QuorumReplica(
            own, history: history, settings: settings, election: election, log: log,
            generator: SeededGenerator(seed: 7))
    }

    /// One that has a log: `lengths` is how many entries each epoch from 1 on wrote.
    static func withLog(
        me id: Int32 = 1, epoch: Int32, lengths: [Int64], leader: Int32? = nil, votedFor: Int32? = nil,
        standing: VoterStanding = .proven, voters: [Int32] = [1, 2, 3]
    ) -> Bench {
        var log = LogView()
        for (index, length) in lengths.enumerated() where length > 0 {
            log.append(epoch: LeaderEpoch(Int32(index + 1)), through: log.end + length)
        }
        _ = log.flushed(log.flushTicket)
        let election = ElectionState(
            epoch: LeaderEpoch(epoch), votedFor: votedFor.map { ReplicaKey(id: BrokerID($0)) },
            leaderID: leader.map { BrokerID($0) }, standing: standing)
        return Bench(me: id, voters: voters, election: election, log: log)
    }

    @discardableResult
    mutating func step(_ input: QuorumInput) -> [QuorumEffect] { replica.step(input, now: now) }

    @discardableResult
    mutating func pass(_ milliseconds: Int64) -> [QuorumEffect] {
        now = now.advanced(byMilliseconds: milliseconds)
        return step(.tick)
    }

    /// Time passes while the replica keeps all its appointments.
    @discardableResult
    mutating func watch(_ milliseconds: Int64) -> [QuorumEffect] {
        let end = now.advanced(byMilliseconds: milliseconds)
        var effects: [QuorumEffect] = []
        while now < end {
            now = min(end, now.advanced(byMilliseconds: 50))
            effects += step(.tick)
        }
        return effects
    }

    /// Flushes what the effects ask for, until nothing more is asked.
    @discardableResult
    mutating func flush(_ effects: [QuorumEffect]) -> [QuorumEffect] {
        var all: [QuorumEffect] = []
        var open = effects.flat
        while let ticket = open.compactMap(\.flushTicket).last {
            open = step(.flushed(ticket)).flat
            all += open
        }
        return all
    }

    /// Becomes leader of `epoch` by the votes of the others; its first record is flushed.
    mutating func lead() -> LeaderEpoch {
        step(.started)
        var effects = pass(2_000)
        for _ in 0..<2 {
            let asks = effects.flat.compactMap(\.sentVote)
            for (id, ask) in asks {
                let granted = QuorumReply.vote(Verdict(leaderID: nil, epoch: ask.epoch), isGranted: true)
                effects = step(.replied(id, granted))
                if effects.flat.contains(where: { $0.sentVote != nil || $0.becameLeader != nil }) { break }
            }
        }
        #expect(replica.role.name == "Leader")
        flush(effects)
        return replica.election.epoch
    }

    /// Follows node `leader` in `epoch`.
    mutating func follow(_ leader: Int32, epoch: Int32) -> [QuorumEffect] {
        step(.started)
        return step(
            .asked(
                RequestToken(900),
                .beginEpoch(BeginEpochNotice(leaderID: BrokerID(leader), epoch: LeaderEpoch(epoch)))))
    }
}

func key(_ id: Int32) -> ReplicaKey { ReplicaKey(id: BrokerID(id)) }

extension [QuorumEffect] {
    /// The effects in the order in which they are performed, `persist` included.
    var flat: [QuorumEffect] {
        flatMap { effect -> [QuorumEffect] in
            if case .persist(_, let rest) = effect { return [effect] + rest.flat }
            return [effect]
        }
    }

    var persisted: ElectionState? {
        for effect in flat { if case .persist(let state, _) = effect { return state } }
        return nil
    }

    /// The answer to a request, if one is given.
    func answer(_ token: UInt64) -> QuorumAnswer? {
        for effect in flat { if case .answer(RequestToken(token), let answer) = effect { return answer } }
        return nil
    }

    var votes: [(RequestID, VoteAsk)] { flat.compactMap(\.sentVote) }

    /// The last fetch that is sent.
    var fetch: (id: RequestID, to: BrokerID, fetch: LogFetch)? {
        for effect in flat.reversed() {
            if case .send(let id, let to, .fetch(let fetch)) = effect { return (id, to, fetch) }
        }
        return nil
    }
}

extension QuorumEffect {
    var flushTicket: FlushTicket? { if case .flush(let ticket) = self { ticket } else { nil } }
    var sentVote: (RequestID, VoteAsk)? { if case .send(let id, _, .vote(let ask)) = self { (id, ask) } else { nil } }
    var becameLeader: LeaderEpoch? { if case .becameLeader(let epoch, _) = self { epoch } else { nil } }
    var advanced: Offset? { if case .highWatermarkAdvanced(let end) = self { end } else { nil } }
}

extension QuorumAnswer {
    var verdict: Verdict {
        switch self {
        case .vote(let verdict, _), .beginEpoch(let verdict), .endEpoch(let verdict), .fetch(let verdict, _, _),
            .fetchSnapshot(let verdict, _), .voterChange(let verdict, _):
            verdict
        }
    }
    var isGranted: Bool { if case .vote(_, true) = self { true } else { false } }
    var content: FetchContent<Offset>? { if case .fetch(_, _, let content) = self { content } else { nil } }
}

/// A vote asked for by node `from`.
func ask(
    from id: Int32, epoch: Int32, lastEpoch: Int32 = 0, lastOffset: Int64 = 0, isPreVote: Bool = false,
    voter: ReplicaKey? = nil
) -> QuorumRequest {
    .vote(
        VoteAsk(
            candidate: key(id), epoch: LeaderEpoch(epoch), lastEpoch: LeaderEpoch(lastEpoch),
            lastOffset: Offset(lastOffset), isPreVote: isPreVote, voter: voter))
}

/// A fetch by node `from`.
func fetch(
    from id: Int32, epoch: LeaderEpoch, offset: Int64, lastEpoch: Int32, highWatermark: KnownHighWatermark = .unknown,
    wait: Int64 = 0
) -> QuorumRequest {
    .fetch(
        LogFetch(
            replica: key(id), epoch: epoch, offset: Offset(offset), lastFetchedEpoch: LeaderEpoch(lastEpoch),
            highWatermark: highWatermark, maxWaitMilliseconds: wait))
}
