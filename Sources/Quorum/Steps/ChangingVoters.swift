import Primitives

#if MUTANTS
    import Mutants
#endif

/// The leader's side of changes of the voters (KIP-853): one at a time, and only when it has committed something in its
/// own epoch and the change before.
extension QuorumReplica {
    mutating func answerAddVoter(_ ask: AddVoterAsk, token: RequestToken, now: MonotonicInstant) {
        guard case .leader(var state) = role, leaderID != nil else { return refuseFollowing(token) }
        if let reason = refusalOfChange(state) ?? refusal(of: ask) { return refuse(token, reason) }
        state.change = VoterChange(
            token: token, answersWhenCommitted: ask.answersWhenCommitted, added: ask.voter,
            deadline: now.advanced(byMilliseconds: max(ask.timeoutMilliseconds, 1)), stage: .probeDue(now))
        role = .leader(state)
    }

    /// Asks the new voter's node, at the address that is given for it, what it can do.
    private mutating func probe(_ voter: Voter) {
        guard case .leader(var state) = role, let endpoint = voter.endpoints.first else { return }
        let id = drawRequestID()
        state.change?.stage = .probing(id)
        role = .leader(state)
        effects.append(
            .sendToAddress(id, QuorumAddress(host: endpoint.host, port: endpoint.port), .supportedKraftVersions))
    }

    private func refusal(of ask: AddVoterAsk) -> VoterRefusal? {
        guard ask.voter.key.directoryID != nil, !ask.voter.endpoints.isEmpty else { return .directoryMissing }
        return voters.contains(id: ask.voter.key.id) ? .voterExists(ask.voter.key.id) : nil
    }

    mutating func answerRemoveVoter(_ ask: RemoveVoterAsk, token: RequestToken, now: MonotonicInstant) {
        guard case .leader(let state) = role, leaderID != nil else { return refuseFollowing(token) }
        if let reason = refusalOfChange(state) { return refuse(token, reason) }
        guard let directory = ask.key.directoryID else { return refuse(token, .directoryMissing) }
        guard let voter = voters.key(of: ask.key.id), voter.directoryID == directory else {
            return refuse(token, .voterUnknown(ask.key))
        }
        guard voters.members.count > 1 else { return refuse(token, .lastVoter(voter)) }
        let deadline = now.advanced(byMilliseconds: max(ask.timeoutMilliseconds, 1))
        write([.voters(voters.removing(id: voter.id))], token: token, deadline: deadline, now: now)
    }

    mutating func answerUpdateVoter(_ ask: UpdateVoterAsk, token: RequestToken, now: MonotonicInstant) {
        if let error = errorOfLeaderRequest(epoch: ask.epoch) {
            return effects.append(.answer(token, .voterChange(verdict(error), nil)))
        }
        guard case .leader(var state) = role else { preconditionFailure("checked above") }
        let voter = ask.voter
        guard voter.key.directoryID != nil, !voter.endpoints.isEmpty else { return refuse(token, .directoryMissing) }
        guard voter.kraftVersions.contains(history.kraftVersion) else {
            return refuse(token, .kraftVersionUnsupported(voter.key.id, needed: history.kraftVersion))
        }
        guard voters.contains(voter.key) else { return refuse(token, .voterUnknown(voter.key)) }
        guard history.isDynamic else {
            state.report(voter)
            role = .leader(state)
            return effects.append(.answer(token, .voterChange(verdict(), nil)))
        }
        if voters.voter(voter.key.id) == voter { return effects.append(.answer(token, .voterChange(verdict(), nil))) }
        if let reason = refusalOfChange(state) { return refuse(token, reason) }
        // Whoever tells need not wait until all know; it finds its own record in its log.
        effects.append(.answer(token, .voterChange(verdict(), nil)))
        write(
            [.voters(voters.updating(voter))], token: nil,
            deadline: now.advanced(byMilliseconds: settings.fetchTimeoutMilliseconds), now: now)
    }

    /// Why a level of `kraft.version` can't be finalized by this replica now; nil where it can, or is already.
    package func refusal(ofKraftVersion level: Int16) -> VoterRefusal? {
        guard Voter.builtKraftVersions.contains(level) else { return .kraftVersionUnknown(level) }
        guard case .leader(let state) = role, leaderID != nil else { return .notLeading }
        guard level != history.kraftVersion else { return nil }
        guard level > history.kraftVersion else { return .kraftVersionLowered(from: history.kraftVersion) }
        if let reason = pendingChange(state) { return reason }
        let told = toldVoters(state)
        let untold = voters.all.map(\.id).filter { id in !told.contains { $0.key.id == id } }
        guard untold.isEmpty else { return .votersUnreported(untold) }
        let old = told.first { !$0.kraftVersions.contains(level) }
        return old.map { .kraftVersionUnfinalizable(level, forWantOf: $0.key.id) }
    }

    /// The voters as they have told of themselves, in order of their ids; without those that have not.
    private func toldVoters(_ state: LeaderState) -> [Voter] {
        voters.all.compactMap { key in
            let voter = key.id == me.id ? own : state.reported.first { $0.key.id == key.id }
            return voter.flatMap { $0.key.directoryID == nil || $0.endpoints.isEmpty ? nil : $0 }
        }
    }

    /// Writes the static voters to the log, by what each has told of itself, and makes them dynamic.
    mutating func answerKraftVersion(_ ask: KraftVersionAsk, token: RequestToken, now: MonotonicInstant) {
        if let reason = refusal(ofKraftVersion: ask.level) { return refuse(token, reason) }
        guard case .leader(let state) = role, ask.level != history.kraftVersion else {
            return effects.append(.answer(token, .voterChange(verdict(), nil)))
        }
        write(
            [.kraftVersion(ask.level), .voters(VoterSet(members: toldVoters(state)))], token: token,
            deadline: now.advanced(byMilliseconds: max(ask.timeoutMilliseconds, 1)), now: now)
    }

    // MARK: Going on

    /// A new voter's node answered: it can take part if it knows the level that the quorum is at.
    mutating func probeAnswered(_ id: RequestID, _ versions: ClosedRange<Int16>?, now: MonotonicInstant) {
        guard case .leader(var state) = role, let change = state.change, change.stage == .probing(id),
            let voter = change.added
        else { return }
        guard versions?.contains(history.kraftVersion) ?? false else {
            return endChange(.kraftVersionUnsupported(voter.key.id, needed: history.kraftVersion))
        }
        state.change = VoterChange(
            token: change.token, answersWhenCommitted: change.answersWhenCommitted,
            added: Voter(key: voter.key, endpoints: voter.endpoints, kraftVersions: versions ?? voter.kraftVersions),
            deadline: change.deadline, stage: .awaitingCatchUp)
        role = .leader(state)
    }

    /// Where nothing listens, nothing will: that is said at once. A node that is only slow has the time that was given.
    mutating func probeFailed(_ id: RequestID, _ failure: RequestFailure, now: MonotonicInstant) {
        guard case .leader(var state) = role, let change = state.change, change.stage == .probing(id),
            let voter = change.added
        else { return }
        if failure == .refused { return endChange(.voterUnreachable(voter.key)) }
        state.change?.stage = .probeDue(retryTime(now: now))
        role = .leader(state)
    }

    /// Takes the change that is under way as far as it can go now.
    mutating func pursueVoterChange(now: MonotonicInstant) {
        guard case .leader(let state) = role, leaderID != nil else { return }
        if let change = state.change {
            switch change.stage {
            case .committing(let offset) where state.highWatermark ?? .zero > offset: endChange(nil)
            case .committing: if change.deadline <= now { endChange(.notCommittedInTime) }
            case .awaitingCatchUp: if let voter = change.added { addIfCaughtUp(voter, change, state, now: now) }
            case .probing, .probeDue:
                if let voter = change.added { pursueProbe(of: voter, change, now: now) }
            }
        }
        // A leader that took its own vote away goes when that is committed, and not before.
        guard let offset = history.votersOffset, !isVoter, state.highWatermark ?? .zero > offset else { return }
        becomeResigned(successors: state.successors, isFinal: false, now: now)
    }

    private mutating func pursueProbe(of voter: Voter, _ change: VoterChange, now: MonotonicInstant) {
        if change.deadline <= now { return endChange(.voterUnreachable(voter.key)) }
        if case .probeDue(let at) = change.stage, at <= now { probe(voter) }
    }

    private mutating func addIfCaughtUp(
        _ voter: Voter, _ change: VoterChange, _ state: LeaderState, now: MonotonicInstant
    ) {
        let timeout = settings.fetchTimeoutMilliseconds
        #if MUTANTS
            let isReady = Mutant.voterAddedBehind.isOn || state.isCaughtUp(voter.key, within: timeout, now: now)
        #else
            let isReady = state.isCaughtUp(voter.key, within: timeout, now: now)
        #endif
        if isReady {
            return write(
                [.voters(voters.adding(voter))], token: change.token,
                answersWhenCommitted: change.answersWhenCommitted, deadline: change.deadline, now: now)
        }
        if change.deadline <= now { endChange(.voterBehind(voter.key)) }
    }

    private mutating func endChange(_ refusal: VoterRefusal?) {
        guard case .leader(var state) = role, let change = state.change else { return }
        state.change = nil
        role = .leader(state)
        guard let token = change.token else { return }
        effects.append(.answer(token, .voterChange(verdict(refusal?.error ?? .noError), refusal)))
    }

    /// Appends the records of a change; from here on the new voters count.
    private mutating func write(
        _ contents: [QuorumChange.Content], token: RequestToken?, answersWhenCommitted: Bool = true,
        deadline: MonotonicInstant, now: MonotonicInstant
    ) {
        guard case .leader(var state) = role else { preconditionFailure("only a leader changes the voters") }
        let changes = contents.enumerated().map { QuorumChange(offset: log.end + Int64($0.offset), $0.element) }
        effects.append(.append(.changes(changes), base: log.end, epoch: state.epoch))
        for change in changes { history.append(change) }
        log.append(epoch: state.epoch, through: log.end + Int64(changes.count))
        state.change(to: voters, me: me, now: now)
        var waiter = token
        if let token, !answersWhenCommitted {
            effects.append(.answer(token, .voterChange(verdict(), nil)))
            waiter = nil
        }
        state.change = VoterChange(
            token: waiter, answersWhenCommitted: answersWhenCommitted, added: nil, deadline: deadline,
            stage: .committing(Offset(log.end.value - 1)))
        role = .leader(state)
        askFlush()
        answerWaiting()
    }

    // MARK: Refusing

    /// Why no change can begin now.
    private func refusalOfChange(_ state: LeaderState) -> VoterRefusal? {
        history.isDynamic ? pendingChange(state) : .staticVoters
    }

    private func pendingChange(_ state: LeaderState) -> VoterRefusal? {
        #if MUTANTS
            if Mutant.voterChangesOverlap.isOn { return nil }
        #endif
        guard state.change == nil else { return .changeUnderWay }
        guard let committed = state.highWatermark else { return .noHighWatermark }
        guard let offset = history.votersOffset, offset >= committed else { return nil }
        return .lastChangeUncommitted(offset)
    }

    private mutating func refuse(_ token: RequestToken, _ reason: VoterRefusal) {
        effects.append(.answer(token, .voterChange(verdict(reason.error), reason)))
    }

    private mutating func refuseFollowing(_ token: RequestToken) {
        effects.append(.answer(token, .voterChange(verdict(.notLeaderOrFollower), nil)))
    }
}
