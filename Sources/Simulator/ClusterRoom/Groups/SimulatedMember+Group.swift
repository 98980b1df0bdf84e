import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages

/// What a simulated member and its coordinator say to each other.
extension SimulatedMember {
    private func findCoordinator(_ done: @escaping @Sendable (Bool) -> Void) {
        var request = FindCoordinatorRequest()
        request.coordinatorKeys = [life.group]
        client.send(request) { [self] result in
            guard case .success(let response) = result, let found = response.coordinators.first,
                found.errorCode == .noError
            else { return done(false) }
            guard client.view.brokers[found.nodeID] != nil else {
                client.refresh([topic]) {}
                return done(false)
            }
            if coordinator != found.nodeID { tell("finds the coordinator \(found.nodeID)") }
            coordinator = found.nodeID
            done(true)
        }
    }

    /// Whether the broker that it takes for the coordinator is the one. Another says that all is well as long as it
    /// waits for its log, or does not know that it was replaced.
    private var isCoordinatorReal: Bool {
        guard let topic = truth.image.topics[name: GroupTruth.topicName] else { return false }
        let index = GroupTruth.partition(of: life.group, among: topic.partitions.count)
        return topic.partitions[index].leader == coordinator
    }

    private func heard(_ sentAt: MonotonicInstant) {
        if isCoordinatorReal { groups.heard(life, sentAt: sentAt) }
    }

    private func askedForName(_ error: ErrorCode?) {
        if let error, SimulatedMember.isAccepted(error) != nil { groups.askedForName(life) }
    }

    // MARK: classic

    func perform(_ effect: GroupMembership.Effect) {
        let sentAt = client.now
        switch effect {
        case .findCoordinator:
            findCoordinator { [self] isFound in
                classic { isFound ? $0.coordinatorFound() : $0.unanswered(now: $1, using: &$2) }
            }
        case .join(let request):
            groups.releasedAll(by: life)
            // A join waits for the others.
            let wait = GroupPlan.rebalanceMilliseconds + SimulatedClient.requestTimeoutMilliseconds
            if request.memberID.isEmpty { groups.asksForName(life) }
            client.send(request, to: coordinator, timeoutMilliseconds: wait) { [self] result in
                if request.memberID.isEmpty { askedForName(try? result.get().errorCode) }
                answered(result) { $0.answered($1, now: $2, using: &$3) }
            }
        case .countPartitions(let topics):
            client.refresh(topics) {}
            client.loop.schedule(afterMilliseconds: SimulatedMember.retryMilliseconds) { [self] in
                let counts = client.view.topics.filter { topics.contains($0.key) }.mapValues(\.partitions.count)
                classic { member, _, _ in member.counted(counts) }
            }
        case .sync(let request):
            client.send(request, to: coordinator) { [self] result in
                if case .success(let response) = result, response.errorCode == .noError {
                    heard(sentAt)
                    let places = (try? ConsumerProtocol.places(ofAssignment: response.assignment)) ?? []
                    if let reason = groups.told(life, places, epoch: request.generationID, sentAt: sentAt) {
                        truth.violated(reason)
                    }
                }
                answered(result) { $0.answered($1, now: $2, using: &$3) }
            }
        case .heartbeat(let request):
            client.send(request, to: coordinator) { [self] result in
                if case .success(let response) = result {
                    truth.reach("heartbeat: \(response.errorCode)")
                    if response.errorCode != .noError { tell("beats: \(response.errorCode)") }
                    if response.errorCode == .noError {
                        heard(sentAt)
                        if isCoordinatorReal,
                            let reason = groups.confirmed(life, epoch: request.generationID, sentAt: sentAt)
                        {
                            truth.violated(reason)
                        }
                    }
                }
                answered(result) { $0.answered($1, now: $2, using: &$3) }
            }
        }
    }

    private func classic(_ body: (inout GroupMembership, MonotonicInstant, inout SeededGenerator) -> Void) {
        guard case .classic(var member) = machine, !client.isClosed else { return }
        body(&member, client.now, &generator)
        machine = .classic(member)
        pump()
    }

    private func answered<Response>(
        _ result: Result<Response, PeerError>,
        _ take: (inout GroupMembership, Response, MonotonicInstant, inout SeededGenerator) -> [GroupMembership.Change]
    ) {
        guard case .classic(var member) = machine, !client.isClosed else { return }
        var changes: [GroupMembership.Change] = []
        switch result {
        case .success(let response): changes = take(&member, response, client.now, &generator)
        case .failure(let error):
            tell("hears no answer: \(error)")
            member.unanswered(now: client.now, using: &generator)
        }
        machine = .classic(member)
        for change in changes { apply(change) }
        pump()
    }

    private func apply(_ change: GroupMembership.Change) {
        switch change {
        case .assigned(let places): owns(places)
        case .revoked:
            isHeld = true
            commit { [self] in
                owns([])
                isHeld = false
                pump()
            }
        case .lost:
            groups.releasedAll(by: life)
            owns([])
        case .refused(let error): refused(error)
        }
    }

    private func refused(_ error: ErrorCode) {
        truth.reach("a member refused: \(error)")
        groups.releasedAll(by: life)
        owns([])
        crash()
    }

    // MARK: consumer

    func perform(_ effect: ConsumerMembership.Effect) {
        let sentAt = client.now
        switch effect {
        case .findCoordinator:
            findCoordinator { [self] isFound in
                consumer { isFound ? $0.coordinatorFound() : $0.unanswered(now: $1, using: &$2) }
            }
        case .heartbeat(let request):
            said(request)
            if request.memberEpoch == 0 { groups.asksForName(life) }
            client.send(request, to: coordinator) { [self] result in
                if request.memberEpoch == 0 { askedForName(try? result.get().errorCode) }
                guard case .consumer(var member) = machine, !client.isClosed else { return }
                var changes: [ConsumerMembership.Change] = []
                switch result {
                case .success(let response):
                    judge(response, sentAt)
                    changes = member.answered(response, now: client.now, using: &generator)
                case .failure(let error):
                    tell("hears no answer: \(error)")
                    member.unanswered(now: client.now, using: &generator)
                }
                machine = .consumer(member)
                for change in changes { apply(change) }
                pump()
            }
        }
    }

    /// What it says that it owns it owns, and nothing else.
    private func said(_ request: ConsumerGroupHeartbeatRequest) {
        if request.memberEpoch <= 0 { return groups.releasedAll(by: life) }
        guard let topics = request.topicPartitions else { return }
        let kept = Set(topics.flatMap { topic in topic.partitions.map { ConsumerMembership.Share(topic.topicID, $0) } })
        guard let places = places(kept.sorted()) else { return }
        groups.released(groups.ownership.places(of: life).filter { !places.contains($0) }, by: life)
    }

    private func judge(_ response: ConsumerGroupHeartbeatResponse, _ sentAt: MonotonicInstant) {
        if response.errorCode != .noError {
            tell("beats: \(response.errorCode)")
            return truth.reach("consumer heartbeat: \(response.errorCode)")
        }
        heard(sentAt)
        let reason: String?
        if let assignment = response.assignment {
            let shares = assignment.topicPartitions.flatMap { topic in
                topic.partitions.map { ConsumerMembership.Share(topic.topicID, $0) }
            }
            reason = groups.told(life, places(shares) ?? [], epoch: response.memberEpoch, sentAt: sentAt)
        } else {
            guard isCoordinatorReal else { return }
            reason = groups.confirmed(life, epoch: response.memberEpoch, sentAt: sentAt)
        }
        if let reason { truth.violated(reason) }
    }

    /// By name; nil where a topic is not known yet.
    private func places(_ shares: [ConsumerMembership.Share]) -> [TopicPartition]? {
        var places: [TopicPartition] = []
        for share in shares {
            guard let name = client.view.name(of: share.topic) else { return nil }
            places.append(TopicPartition(name, share.partition))
        }
        return places
    }

    private func consumer(_ body: (inout ConsumerMembership, MonotonicInstant, inout SeededGenerator) -> Void) {
        guard case .consumer(var member) = machine, !client.isClosed else { return }
        body(&member, client.now, &generator)
        machine = .consumer(member)
        pump()
    }

    private func apply(_ change: ConsumerMembership.Change) {
        switch change {
        case .assigned(let shares): owns(owned + (places(shares) ?? []))
        case .revoked(let shares):
            let given = places(shares) ?? []
            // Heartbeats go on while it commits.
            commit { [self] in
                owns(owned.filter { !given.contains($0) })
                guard case .consumer(var member) = machine else { return }
                let changes = member.gaveUp()
                machine = .consumer(member)
                for change in changes { apply(change) }
                pump()
            }
        case .lost:
            groups.releasedAll(by: life)
            owns([])
        case .refused(let error): refused(error)
        }
    }

    // MARK: offsets

    /// Commits how far it got; `done` comes whatever becomes of it.
    func commit(_ done: @escaping @Sendable () -> Void) {
        let (memberID, epoch) = identity
        var due: [TopicPartition: CommittedOffsets.Position] = [:]
        for place in owned {
            guard let position = position(place), position != committed[place] else { continue }
            due[place] = CommittedOffsets.Position(offset: position, leaderEpoch: nil)
        }
        guard !due.isEmpty, !isCommitting, let coordinator, let epoch else { return client.loop.execute(done) }
        isCommitting = true
        let sentAt = client.now
        let numbers = due.sorted { $0.key < $1.key }.map { place, position in
            let key = GroupPlace(group: life.group, place: place)
            let owner = groups.ownership.owner(of: key)
            let isLate = owner.map { $0.isInThePlace(of: life) } ?? false
            if isLate { truth.reach("a late commit") }
            return (key, position.offset, groups.offsets.begin(key, position.offset, at: sentAt, isLate: isLate))
        }
        let request = CommittedOffsets.commit(
            group: life.group, memberID: memberID, generation: epoch, instanceID: life.instanceID, due)
        client.send(request, to: coordinator, maxVersion: CommittedOffsets.versionMax) { [self] result in
            isCommitting = false
            committed(numbers, try? result.get())
            done()
        }
    }

    private var identity: (memberID: String, epoch: Int32?) {
        switch machine {
        case .classic(let member): (member.memberID, member.generation)
        case .consumer(let member): (member.settings.memberID, member.epoch > 0 ? member.epoch : nil)
        }
    }

    private func committed(_ numbers: [(GroupPlace, Offset, Int)], _ response: OffsetCommitResponse?) {
        var worst = ErrorCode.noError
        for (key, offset, number) in numbers {
            let error = response.map { response in
                response.topics.first { $0.name == key.place.topic }?.partitions
                    .first { $0.partitionIndex == key.place.partition }?.errorCode ?? .unknownServerError
            }
            if let error, error != .noError { worst = error }
            let reason = groups.offsets.end(
                number, of: key, isAccepted: error.flatMap(SimulatedMember.isAccepted), at: client.now)
            if let reason { truth.violated(reason) }
            if error == .noError, owned.contains(key.place) { committed[key.place] = offset }
        }
        // Where nobody answered, the next heartbeat finds the coordinator.
        guard response != nil else { return }
        truth.reach("offset commit: \(worst)")
        if worst != .noError { tell("commits: \(worst)") }
        // A commit is no sign of life to a consumer group.
        if worst != .noError { failed(worst) }
    }

    /// Nil where the commit may have been written all the same.
    private static func isAccepted(_ error: ErrorCode) -> Bool? {
        switch error {
        case .noError: true
        case .coordinatorNotAvailable, .notCoordinator, .unknownServerError, .requestTimedOut: nil
        default: false
        }
    }

    /// An error that a commit or a question for offsets met.
    func failed(_ error: ErrorCode) {
        switch machine {
        case .classic(var member):
            // A commit in a rebalance tells nothing that a heartbeat does not.
            if error == .rebalanceInProgress || isHeld { return }
            let changes = member.failed(error, now: client.now, using: &generator)
            machine = .classic(member)
            for change in changes { apply(change) }
        case .consumer(var member):
            let changes = member.failed(error, now: client.now, using: &generator)
            machine = .consumer(member)
            for change in changes { apply(change) }
        }
    }

    // MARK: leaving

    /// Commits, says good-bye and goes, whatever the answer is.
    func leave(comesBack: Bool) {
        isHeld = true
        commit { [self] in
            groups.left(life)
            owns([])
            switch machine {
            case .classic(let member):
                guard let request = member.leaveRequest() else { return crash() }
                client.send(request, to: coordinator) { [self] _ in crash() }
            case .consumer(let member):
                guard let request = member.leaveRequest(comesBack: comesBack) else { return crash() }
                client.send(request, to: coordinator) { [self] _ in crash() }
            }
        }
    }
}
