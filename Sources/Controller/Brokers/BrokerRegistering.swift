import Metadata
package import Primitives
package import WireMessages

#if MUTANTS
    import Mutants
#endif

extension ClusterController {
    /// Registers a life of a broker; its epoch is the offset of its record, which is the first of the decision.
    ///
    /// - Parameter nextOffset: the offset that the first record of the decision will have.
    /// - Errors: INCONSISTENT_CLUSTER_ID; INVALID_REQUEST; INVALID_REGISTRATION for impossible log directories;
    ///   BROKER_ID_NOT_REGISTERED for a broker that comes from ZooKeeper; UNSUPPORTED_VERSION where a finalized feature
    ///   is not supported; DUPLICATE_BROKER_REGISTRATION while another incarnation is alive (rule 17).
    package func registerBroker(
        _ request: BrokerRegistrationRequest, nextOffset: Offset, now: MonotonicInstant
    ) -> Decision<BrokerRegistrationResponse> {
        var response = BrokerRegistrationResponse()
        if let refusal = refusal(of: request, now: now) {
            response.errorCode = refusal.code
            return Decision(reply: response)
        }
        let existing = image.brokers[request.brokerID]
        var record = RegisterBrokerRecord(request)
        if let existing, existing.incarnationID == request.incarnationID {
            // The answer to its first registration was lost: the same life keeps its epoch.
            record.brokerEpoch = existing.epoch
            record.fenced = existing.isFenced
            record.inControlledShutdown = existing.isInControlledShutdown
            response.brokerEpoch = existing.epoch
            return Decision([.registerBroker(record)], reply: response)
        }
        record.brokerEpoch = BrokerEpoch(nextOffset.value)
        response.brokerEpoch = record.brokerEpoch
        #if MUTANTS
            let isClean = Mutant.everyStopIsClean.isOn || existing?.epoch == request.previousBrokerEpoch
        #else
            let isClean = existing.map { $0.epoch == request.previousBrokerEpoch } ?? false
        #endif
        let keepsDirectories = existing.map { $0.directories.allSatisfy(request.logDirs.contains) } ?? false
        // The old life leaves every ISR before the new one may fetch; who comes without the directory of a replica
        // comes without the replica.
        let changes = partitionChanges { partition in
            let holds =
                partition.directory(of: request.brokerID).map {
                    $0.isReservedDirectory ? keepsDirectories : request.logDirs.contains($0)
                } ?? false
            return PartitionProposal.withdrawing(request.brokerID, isUnclean: !isClean || !holds, from: partition)
        }
        #if MUTANTS
            if Mutant.formerLifeInSync.isOn { return Decision([.registerBroker(record)], reply: response) }
        #endif
        return Decision([.registerBroker(record)] + changes, reply: response)
    }

    /// Removes a registration for good.
    ///
    /// - Errors: BROKER_ID_NOT_REGISTERED.
    package func unregisterBroker(_ id: BrokerID) -> Decision<Refusal?> {
        guard let broker = image.brokers[id] else {
            return Decision(reply: Refusal(.brokerIDNotRegistered, "Broker ID \(id) is not currently registered"))
        }
        var record = UnregisterBrokerRecord()
        record.brokerID = id
        record.brokerEpoch = broker.epoch
        let changes = partitionChanges { PartitionProposal.withdrawing(id, isUnclean: false, from: $0) }
        return Decision(changes + [.unregisterBroker(record)], reply: nil)
    }

    private func refusal(of request: BrokerRegistrationRequest, now: MonotonicInstant) -> Refusal? {
        guard request.clusterID == configuration.clusterID else { return Refusal(.inconsistentClusterID) }
        guard request.brokerID.value >= 0, !request.listeners.isEmpty else { return Refusal(.invalidRequest) }
        guard !request.isMigratingZkBroker else { return Refusal(.brokerIDNotRegistered) }
        let directories = Set(request.logDirs)
        guard !directories.isEmpty, directories.count == request.logDirs.count,
            !request.logDirs.contains(where: \.isReservedDirectory),
            image.brokers.sorted.allSatisfy({
                $0.id == request.brokerID || directories.isDisjoint(with: $0.directories)
            })
        else { return Refusal(.invalidRegistration) }
        if let existing = image.brokers[request.brokerID], existing.incarnationID != request.incarnationID,
            !existing.isFenced, !existing.isInControlledShutdown, directories.isDisjoint(with: existing.directories),
            sessions.isValid(existing.id, now: now, timeoutMilliseconds: sessionTimeoutMilliseconds(of: existing))
        {
            // A process that holds the lock of one of its directories proves that the old one is gone; this one does
            // not.
            return Refusal(.duplicateBrokerRegistration)
        }
        for feature in image.features.sorted {
            guard let supported = request.features.first(where: { $0.name == feature.name }),
                supported.minSupportedVersion <= feature.level, feature.level <= supported.maxSupportedVersion
            else { return Refusal(.unsupportedVersion) }
        }
        return nil
    }
}

extension RegisterBrokerRecord {
    /// Most settings of a broker that are kept.
    private static let settingsMax = 100

    init(_ request: BrokerRegistrationRequest) {
        self.init()
        brokerID = request.brokerID
        incarnationID = request.incarnationID
        endPoints = request.listeners.map {
            var endpoint = BrokerEndpoint()
            endpoint.name = $0.name
            endpoint.host = $0.host
            endpoint.port = $0.port
            endpoint.securityProtocol = $0.securityProtocol
            return endpoint
        }
        features = request.features.map {
            var feature = BrokerFeature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.minSupportedVersion
            feature.maxSupportedVersion = $0.maxSupportedVersion
            return feature
        }
        rack = request.rack
        fenced = true
        logDirs = request.logDirs.sorted()
        settings = request.settings?.prefix(RegisterBrokerRecord.settingsMax).map {
            var setting = Setting()
            setting.name = $0.name
            setting.value = $0.value
            return setting
        }
    }
}

extension DirectoryID {
    /// Kafka keeps the first hundred ids for marks such as "unassigned" and "lost".
    package var isReservedDirectory: Bool { high == 0 && low < 100 }
}
