package import Metadata
package import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

/// The active controller as a pure machine: it decides (without changing anything) and replays.
///
/// What is replicated stands in `image` and changes only in `replay`; what is not (sessions, recovery reports,
/// evidence) starts afresh with each controller. Whoever runs it appends a decision's records, replays them at once,
/// and lets the reply leave when they are committed. On lost leadership the whole value is dropped: what was committed
/// is in the log.
package struct ClusterController: Sendable {
    package let configuration: ControllerConfiguration
    /// The cluster, with what is decided and not yet committed.
    package private(set) var image: MetadataImage
    package var sessions: BrokerSessions
    package var recovery = RecoveryReports()
    var evidence: FailureEvidence

    /// A controller that just became active on what is committed.
    ///
    /// Every broker gets a fresh session: the controller did not hear them before, so it can't call them silent
    /// (reliability rule 19). Nor does it know for how long one that it finds fenced has been gone: those who crashed
    /// with the last controller may have been fenced by it a moment before.
    package init(configuration: ControllerConfiguration, image: MetadataImage, now: MonotonicInstant) {
        self.configuration = configuration
        self.image = image
        sessions = BrokerSessions()
        evidence = FailureEvidence(configuration.detection, now: now)
        for broker in image.brokers.sorted {
            sessions.start(broker.id, epoch: broker.epoch, now: now)
            #if MUTANTS
                if Mutant.foundFencedUnwaited.isOn, broker.isFenced {
                    sessions.start(broker.id, epoch: broker.epoch, now: now.advanced(byMilliseconds: -10_000))
                }
            #endif
            if broker.isInControlledShutdown {
                sessions.noteControlledShutdown(broker.id, end: image.provenance.end)
            }
        }
    }

    /// Applies a record of a decision. A record that does not fit is our own bug: decisions are made from this image.
    package mutating func replay(_ record: MetadataRecord) {
        do {
            try image.replay(record)
        } catch {
            preconditionFailure("the controller's own record does not fit its state: \(error)")
        }
    }

    /// The records that a fresh cluster's log starts with, and those that an older log lacks.
    package func decideBootstrap() -> Decision<Void> {
        guard image.features.metadataVersion == nil else {
            return Decision(decideClusterMinInSyncReplicas(willHaveELR: hasEligibleLeaderReplicas), reply: ())
        }
        let records = configuration.bootstrapFeatures.map { feature in
            var record = FeatureLevelRecord()
            record.name = feature.name
            record.featureLevel = feature.level
            return MetadataRecord.featureLevel(record)
        }
        let willHaveELR = configuration.bootstrapFeatures.contains {
            $0.name == ClusterFeatures.eligibleLeaderReplicas && $0.level > 0
        }
        return Decision(records + decideClusterMinInSyncReplicas(willHaveELR: willHaveELR), reply: ())
    }

    /// The in-sync replicas that a partition needs before acks=all is answered, never more than it has replicas.
    package func minInSyncReplicas(topic: String, replicas: Int) -> Int {
        let given = configured("min.insync.replicas", topic: topic).flatMap { Int($0) }
        return min(max(given ?? configuration.defaultMinInSyncReplicas, 1), max(replicas, 1))
    }

    func allowsUncleanElection(topic: String) -> Bool {
        configured("unclean.leader.election.enable", topic: topic).map { $0.lowercased() == "true" }
            ?? configuration.isUncleanElectionDefault
    }

    /// What is set at run time for a topic, or else for all brokers; for keys that are named alike in both.
    private func configured(_ key: String, topic: String) -> String? {
        image.configs.value(ofTopic: topic, key) ?? image.configs[.allBrokers][key]
    }
}
