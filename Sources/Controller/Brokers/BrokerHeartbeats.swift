import Metadata
package import Primitives
package import WireMessages

extension ClusterController {
    /// Takes a heartbeat: notes the contact, then decides what it leads to.
    ///
    /// - Parameter nextOffset: the offset that the first record of the decision will have.
    /// - Errors: BROKER_ID_NOT_REGISTERED; STALE_BROKER_EPOCH.
    package mutating func heartbeat(
        _ request: BrokerHeartbeatRequest, nextOffset: Offset, now: MonotonicInstant
    ) -> Decision<BrokerHeartbeatResponse> {
        sessions.noteHeartbeat(
            request.brokerID, epoch: request.brokerEpoch, metadataOffset: request.currentMetadataOffset,
            recoveriesToldEnd: request.recoveriesToldEnd >= .zero ? request.recoveriesToldEnd : nil, now: now)
        let isFenced = image.brokers[request.brokerID]?.isFenced ?? true
        let knowsFencing = !isFenced || sessions.noteFenced(request.brokerID, end: nextOffset)
        var decision = decideHeartbeat(request, knowsFencing: knowsFencing)
        if decision.reply.errorCode == .noError { noteVitals(request, isFenced: decision.reply.isFenced, now: now) }
        if decision.records.contains(where: \.isControlledShutdown) {
            sessions.noteControlledShutdown(request.brokerID, end: nextOffset + Int64(decision.records.count))
        }
        let suspects = evidence.suspects(in: image, sessions, now: now).filter { $0 != request.brokerID }
        if !suspects.isEmpty {
            var reply = decision.reply
            reply.suspects = suspects
            decision = Decision(decision.records, reply: reply)
        }
        return decision
    }

    private mutating func noteVitals(_ request: BrokerHeartbeatRequest, isFenced: Bool, now: MonotonicInstant) {
        let wasFenced = image.brokers[request.brokerID]?.isFenced ?? true
        evidence.heard(
            request.brokerID, epoch: request.brokerEpoch, BrokerVitals(request), isFenced: wasFenced, now: now)
        guard wasFenced, !isFenced else { return }
        sessions.noteUnfenced(request.brokerID)
        evidence.letIn(request.brokerID, now: now)
    }

    /// - Parameter knowsFencing: the broker is not fenced, or has applied the metadata that says so.
    func decideHeartbeat(
        _ request: BrokerHeartbeatRequest, knowsFencing: Bool
    ) -> Decision<BrokerHeartbeatResponse> {
        var response = BrokerHeartbeatResponse()
        guard let broker = image.brokers[request.brokerID] else {
            response.errorCode = .brokerIDNotRegistered
            return Decision(reply: response)
        }
        guard broker.epoch == request.brokerEpoch else {
            response.errorCode = .staleBrokerEpoch
            return Decision(reply: response)
        }
        response.isCaughtUp = knowsFencing && request.currentMetadataOffset.value >= broker.epoch.value
        let next = nextState(of: broker, request, isCaughtUp: response.isCaughtUp)
        var records: [MetadataRecord] = []
        switch next {
        case .fenced: if !broker.isFenced { records = fencing(broker) }
        case .unfenced: if broker.isFenced { records = unfencing(broker) }
        case .controlledShutdown: if !broker.isInControlledShutdown { records = enteringControlledShutdown(broker) }
        case .shutdownNow: if !broker.isFenced { records = fencing(broker) }
        }
        response.isFenced = next == .fenced || next == .shutdownNow
        response.shouldShutDown = next == .shutdownNow
        return Decision(records + losingDirectories(broker, offline: request.offlineLogDirs), reply: response)
    }

    /// What a broker becomes by a heartbeat.
    enum BrokerState: Hashable {
        case fenced
        case unfenced
        /// Its leaderships are moved; it may not leave yet.
        case controlledShutdown
        case shutdownNow
    }

    func nextState(
        of broker: BrokerRegistration, _ request: BrokerHeartbeatRequest, isCaughtUp: Bool
    ) -> BrokerState {
        if broker.isFenced {
            if request.wantShutDown { return .shutdownNow }
            return request.wantFence || !isCaughtUp ? .fenced : .unfenced
        }
        if broker.isInControlledShutdown || request.wantShutDown {
            guard broker.isInControlledShutdown, let end = sessions.controlledShutdownEnd(broker.id) else {
                return .controlledShutdown
            }
            // Rule 18: it may go when every live broker has applied the records that took its leaderships away.
            let others = image.brokers.sorted.filter { $0.id != broker.id && $0.isActive }
            let haveAllApplied = others.allSatisfy { other in
                sessions.metadataOffset(other.id).map { $0 + 1 >= end } ?? false
            }
            return haveAllApplied && !leadsAny(broker.id) ? .shutdownNow : .controlledShutdown
        }
        return request.wantFence ? .fenced : .unfenced
    }

    private func leadsAny(_ broker: BrokerID) -> Bool {
        image.topics.sortedByID.contains { topic in topic.partitions.contains { $0.leader == broker } }
    }

    private func enteringControlledShutdown(_ broker: BrokerRegistration) -> [MetadataRecord] {
        var record = BrokerRegistrationChangeRecord()
        record.brokerID = broker.id
        record.brokerEpoch = broker.epoch
        record.inControlledShutdown = 1
        return [.brokerRegistrationChange(record)]
            + partitionChanges { PartitionProposal.withdrawing(broker.id, isUnclean: false, from: $0) }
    }

    /// Directories that failed since the last heartbeat take their replicas out of every ISR.
    private func losingDirectories(_ broker: BrokerRegistration, offline: [DirectoryID]) -> [MetadataRecord] {
        let lost = Set(offline).intersection(broker.directories)
        // The last directory's loss ends the process; its fencing does the rest.
        guard !lost.isEmpty, lost.count < broker.directories.count else { return [] }
        var record = BrokerRegistrationChangeRecord()
        record.brokerID = broker.id
        record.brokerEpoch = broker.epoch
        record.logDirs = broker.directories.filter { !lost.contains($0) }
        return [.brokerRegistrationChange(record)]
            + partitionChanges { partition in
                // A broker with several directories chooses by itself: a replica in a good one comes back as soon as it
                // has fetched, while one that is lost must not stay the leader.
                guard let directory = partition.directory(of: broker.id),
                    directory == .unassignedDirectory || lost.contains(directory)
                else { return nil }
                return PartitionProposal.withdrawing(broker.id, isUnclean: true, from: partition)
            }
    }
}

extension MetadataRecord {
    fileprivate var isControlledShutdown: Bool {
        if case .brokerRegistrationChange(let change) = self { change.inControlledShutdown > 0 } else { false }
    }
}
