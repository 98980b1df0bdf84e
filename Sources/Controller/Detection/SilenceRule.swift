import Metadata
import Primitives

/// R2: a broker that is silent to the controller for longer than its rhythm explains, and to another broker as well, is
/// fenced before its session is over.
struct SilenceRule {
    let evidence: FailureEvidence
    let sessions: BrokerSessions
    let image: MetadataImage
    let now: MonotonicInstant

    /// A broker that is to be fenced, and how long it was silent.
    struct Verdict: Hashable {
        let broker: BrokerRegistration
        let milliseconds: Int64
    }

    private var settings: DetectionSettings { evidence.settings }

    /// The first broker that the rule condemns, the brakes (R6) permitting.
    var verdict: Verdict? {
        guard settings.silenceMilliseconds > 0 else { return nil }
        let unfenced = image.brokers.sorted.filter { !$0.isFenced }
        guard
            evidence.brakes.allowsFence(
                unfenced: unfenced.count, registered: image.brokers.count, settings, now: now)
        else { return nil }
        let judges = evidence.judges(in: image, now: now)
        for broker in unfenced where broker.id != settings.ownNode {
            guard let silence = silence(of: broker, judges), areMostOthersOnTime(than: broker.id, unfenced) else {
                continue
            }
            return Verdict(broker: broker, milliseconds: silence)
        }
        return nil
    }

    /// For how long a broker has been silent to all who would hear it; nil where that is not for long enough.
    private func silence(of broker: BrokerRegistration, _ judges: [BrokerID]) -> Int64? {
        let sightings = judges.compactMap { judge in
            judge == broker.id
                ? nil
                : sighting(of: broker, by: judge).map {
                    (judge: judge, milliseconds: $0.milliseconds)
                }
        }
        guard let peer = evidence.peer(broker.id), peer.epoch == broker.epoch else {
            return silenceOfUnheard(broker, sightings.map(\.milliseconds))
        }
        let silence = peer.rhythm.silence(now: now)
        guard silence >= peer.rhythm.patience(settings) else { return nil }
        // What the broker of the controller's own process sees is what the controller sees.
        return sightings.contains { $0.judge != settings.ownNode } ? silence : nil
    }

    /// A broker that this controller never heard may have died with the former one: the others know since when. Two of
    /// them must say so.
    private func silenceOfUnheard(_ broker: BrokerRegistration, _ silences: [Int64]) -> Int64? {
        guard sessions.lastHeartbeat(broker.id) == nil, broker.isMartlet, silences.count >= 2 else { return nil }
        let silence = silences.sorted(by: >)[1]
        let patience = max(settings.silenceMilliseconds, settings.silenceIntervals * settings.heartbeatMilliseconds)
        return silence >= patience ? silence : nil
    }

    private func sighting(of broker: BrokerRegistration, by judge: BrokerID) -> PeerSighting? {
        guard let peer = evidence.peer(judge) else { return nil }
        return peer.vitals.sightings.first { $0.peer == broker.id && $0.epoch == broker.epoch }
    }

    /// Else the fault is the controller's, or the network's around it. Those of another make are not asked.
    private func areMostOthersOnTime(than broker: BrokerID, _ unfenced: [BrokerRegistration]) -> Bool {
        let others = unfenced.filter {
            $0.id != broker && (evidence.peer($0.id) != nil || sessions.lastHeartbeat($0.id) == nil)
        }
        return 2 * others.count { evidence.isOnTime($0.id, now: now) } > others.count
    }
}
