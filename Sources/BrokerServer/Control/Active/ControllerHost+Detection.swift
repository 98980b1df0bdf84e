import Controller
import Logging
import Metadata
package import Primitives
import World

/// How the active controller takes signs of death and of silence (`docs/operations.md`, "How failures are found").
extension ControllerHost {
    /// The connection of a broker's heartbeats ended: a sign of death, to be confirmed by a probe (R1).
    package func heartbeatConnectionEnded(of broker: BrokerID, epoch: BrokerEpoch) {
        doubt(broker, epoch)
    }

    /// What a broker's peers saw of others: a reason to look oneself; and proof where two of them were refused by one
    /// that this node can't reach (R1).
    func peersSeen(_ sightings: [PeerSighting]) {
        for sighting in sightings {
            guard let registration = doubt(sighting.peer, sighting.epoch), sighting.kind == .gone,
                controller?.witnessesOfDeath(sighting.peer, now: world.clock.now) ?? 0 >= 2
            else { continue }
            detector.peersWereRefused(by: registration)
        }
    }

    /// Probes a life of a broker unless it is over; gives its registration.
    @discardableResult
    private func doubt(_ broker: BrokerID, _ epoch: BrokerEpoch) -> BrokerRegistration? {
        guard let registration = controller?.image.brokers[broker], registration.epoch == epoch,
            !registration.isFenced
        else { return nil }
        detector.probe(registration)
        return registration
    }

    /// Fences a broker that is proved dead, unless it has spoken since.
    ///
    /// A broker whose registered address leads elsewhere for this node would refuse, too. A live one finds a new
    /// controller within a heartbeat or two; so a controller that has just become active listens a moment before it
    /// believes a refusal.
    func provedDead(_ proof: FailureDetector.Proof) {
        guard case .active(let epoch) = role else { return }
        let active = world.clock.now.milliseconds(since: activeSince)
        if active < ControllerHost.listeningMilliseconds {
            let left = ControllerHost.listeningMilliseconds - active
            world.controlLoop.schedule(afterMilliseconds: left) { [weak self] in
                guard let self, case .active(epoch) = self.role else { return }
                self.fenceDead(proof)
            }
        } else {
            fenceDead(proof)
        }
    }

    private func fenceDead(_ proof: FailureDetector.Proof) {
        guard let controller else { return }
        if let heard = controller.sessions.lastHeartbeat(proof.broker), heard > proof.askedAt {
            return log.warning(
                "a broker lives that refuses connections: its registered address leads elsewhere from here",
                metadata: ["broker": "\(proof.broker)"])
        }
        decide({ controller, _, _ in controller.fence(proof.broker, epoch: proof.epoch) }) { [self] wasFenced in
            guard wasFenced == true else { return }
            detections[.death, default: 0] += 1
            log.warning("broker fenced: its process is gone", metadata: ["broker": "\(proof.broker)", "rule": "R1"])
        }
    }

    /// R3.
    func fenceSilentBrokers() {
        // Each round fences one, so it ends with the last registered broker at the latest.
        while true {
            var fenced: BrokerID?
            let stands = decide(
                { controller, _, now in
                    let decision = controller.fenceSilentBroker(now: now)
                    fenced = decision.reply
                    return decision
                }, answer: { _ in })
            guard stands, let broker = fenced, isActive else { return }
            detections[.session, default: 0] += 1
            log.warning("broker fenced: it was silent for a session", metadata: ["broker": "\(broker)", "rule": "R3"])
        }
    }

    /// R2, R4 and R5.
    func judgeBrokers(ownLagMilliseconds: Int64) {
        // What is found is dealt with, so it is not found again: the rounds end.
        while true {
            var found: Detection?
            let stands = decide(
                { controller, _, now in
                    let decision = controller.judgeBrokers(ownLagMilliseconds: ownLagMilliseconds, now: now)
                    found = decision.reply
                    return decision
                }, answer: { _ in })
            guard stands, let detection = found, isActive else { return }
            detections[detection.rule, default: 0] += 1
            tell(detection)
        }
    }

    private func tell(_ detection: Detection) {
        var metadata: Logger.Metadata = [
            "broker": "\(detection.broker)", "partitions": "\(detection.partitions)",
            "rule": "\(detection.rule.rawValue)",
        ]
        if let silent = detection.milliseconds { metadata["silentMilliseconds"] = "\(silent)" }
        switch detection.rule {
        case .silence:
            log.warning("broker fenced: it is silent to the controller and to another broker", metadata: metadata)
        case .unfetchable:
            log.warning("leaderships taken from a broker: its followers can't fetch from it", metadata: metadata)
        case .slowFlush:
            log.warning("leaderships taken from a broker: its disk takes long to flush", metadata: metadata)
        case .death, .session: break
        }
    }
}
