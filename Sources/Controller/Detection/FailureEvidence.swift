import Metadata
import Primitives

/// What the active controller knows of the brokers' health: liveness, which no other controller inherits.
///
/// No rule here touches safety: a wrong guess costs availability, never records.
package struct FailureEvidence: Sendable {
    /// What one broker told in its present life.
    struct Peer: Sendable {
        var epoch: BrokerEpoch
        var rhythm: HeartbeatRhythm
        var vitals: BrokerVitals
        /// Since when a log directory of it is gray without a break.
        var slowSince: [DirectoryID: MonotonicInstant] = [:]
        /// When its leaderships were last taken from it.
        var relievedAt: MonotonicInstant?
    }

    let settings: DetectionSettings
    /// When this controller became active.
    let began: MonotonicInstant
    private var peers: [BrokerID: Peer] = [:]
    var brakes = DetectionBrakes()
    /// Who leads nothing that another can lead (R6), as of the last look.
    private var heldDown: Set<BrokerID> = []

    init(_ settings: DetectionSettings, now: MonotonicInstant) {
        self.settings = settings
        began = now
    }

    // MARK: What comes in

    /// A heartbeat came from the present life of a broker.
    ///
    /// - Parameter vitals: nil where the broker is no Martlet: then no rule but the session's is about it.
    mutating func heard(
        _ broker: BrokerID, epoch: BrokerEpoch, _ vitals: BrokerVitals?, isFenced: Bool, now: MonotonicInstant
    ) {
        guard let vitals else {
            peers[broker] = nil
            return
        }
        var peer =
            peers[broker] ?? Peer(epoch: epoch, rhythm: HeartbeatRhythm(first: now), vitals: vitals)
        // What was its rhythm before it was fenced, or in another life, says nothing of the present one.
        if peer.epoch != epoch || isFenced {
            peer.epoch = epoch
            peer.rhythm = HeartbeatRhythm(first: now)
        } else {
            peer.rhythm.heard(at: now, lagMilliseconds: vitals.lagMilliseconds)
        }
        peer.vitals = vitals
        let former = peer.slowSince
        peer.slowSince =
            settings.slowFlushMilliseconds == 0 ? [:] : peer.slow(settings.slowFlushMilliseconds, former, now)
        peers[broker] = peer
    }

    /// A broker was let in.
    mutating func letIn(_ broker: BrokerID, now: MonotonicInstant) { brakes.returned(broker, now: now) }

    mutating func relieved(_ broker: BrokerID, now: MonotonicInstant) {
        peers[broker]?.relievedAt = now
        brakes.relieved(broker, now: now)
    }

    /// Takes stock of who must wait before it leads again; before each look at the rules.
    mutating func refresh(in image: MetadataImage, now: MonotonicInstant) {
        for broker in peers.keys where image.brokers[broker] == nil {
            peers[broker] = nil
            brakes.forget(broker)
        }
        heldDown = brakes.heldDown(settings, now: now)
    }

    // MARK: What it says

    /// Whether a broker shall not lead a partition that another can lead: it was suspected lately, or the disk that its
    /// replica lies on is gray.
    func isHeldDown(_ broker: BrokerID, from partition: PartitionRegistration, in image: MetadataImage) -> Bool {
        if heldDown.contains(broker) { return true }
        guard let slow = peers[broker]?.slowSince, !slow.isEmpty else { return false }
        return image.directory(of: partition, on: broker).map { slow[$0] != nil } ?? false
    }

    func peer(_ broker: BrokerID) -> Peer? { peers[broker] }

    func isOnTime(_ broker: BrokerID, now: MonotonicInstant) -> Bool {
        peers[broker]?.rhythm.isOnTime(settings, now: now) ?? false
    }

    /// Who can be believed about others: unfenced, heard when it was to be, and not held up itself while it looked.
    func judges(in image: MetadataImage, now: MonotonicInstant) -> [BrokerID] {
        image.brokers.sorted.filter { broker in
            guard !broker.isFenced, let peer = peers[broker.id], peer.epoch == broker.epoch else { return false }
            return isOnTime(broker.id, now: now) && peer.vitals.isWell(settings)
        }.map(\.id)
    }

    /// The brokers that others shall ask for a sign of life: late by half of what makes them silent.
    func suspects(in image: MetadataImage, _ sessions: BrokerSessions, now: MonotonicInstant) -> [BrokerID] {
        guard settings.silenceMilliseconds > 0 else { return [] }
        return image.brokers.sorted.filter { broker in
            guard !broker.isFenced, broker.id != settings.ownNode else { return false }
            if let peer = peers[broker.id] {
                return 2 * peer.rhythm.silence(now: now) >= peer.rhythm.patience(settings)
            }
            return broker.isMartlet && sessions.lastHeartbeat(broker.id) == nil
                && now.milliseconds(since: began) >= 2 * settings.heartbeatMilliseconds
        }.map(\.id)
    }
}

extension BrokerRegistration {
    /// Whether it is known to be of this make: others tell no settings when they register.
    var isMartlet: Bool { settings != nil }
}

extension BrokerVitals {
    /// Whether its loop ran well for as long as what it saw took to see.
    fileprivate func isWell(_ settings: DetectionSettings) -> Bool {
        if lagMilliseconds < settings.lagMillisecondsMax { return true }
        return wellMilliseconds.map { $0 >= settings.witnessWellMilliseconds } ?? false
    }
}

extension FailureEvidence.Peer {
    /// The directories in which flushes take longer, with since when: those of `former` go on.
    fileprivate func slow(
        _ milliseconds: Int64, _ former: [DirectoryID: MonotonicInstant], _ now: MonotonicInstant
    ) -> [DirectoryID: MonotonicInstant] {
        var since: [DirectoryID: MonotonicInstant] = [:]
        for (directory, taken) in vitals.flushMilliseconds where taken > milliseconds {
            since[directory] = former[directory] ?? now
        }
        return since
    }

    /// Whether flushes take longer in a directory; in any, where it is not known which one is meant.
    func isSlow(_ directory: DirectoryID?, _ milliseconds: Int64) -> Bool {
        guard let directory else { return vitals.flushMilliseconds.values.contains { $0 > milliseconds } }
        return vitals.flushMilliseconds[directory].map { $0 > milliseconds } ?? false
    }
}

extension MetadataImage {
    /// The log directory of a broker in which a replica lies; nil while that is not known.
    func directory(of partition: PartitionRegistration, on broker: BrokerID) -> DirectoryID? {
        let directories = brokers[broker]?.directories ?? []
        if let told = partition.directory(of: broker), directories.contains(told) { return told }
        return directories.count == 1 ? directories[0] : nil
    }
}
