import Metadata
package import Primitives

/// What one broker sees of its peers: whom it doubts, and what came of asking them for a sign of life.
///
/// Asking goes on until the peer answers, is found gone, or nobody has doubted it for a while.
package struct PeerSightings: Sendable {
    /// What one question found.
    package enum Finding: Hashable, Sendable {
        case answered
        case silent
        /// Refused, or another process answers in its place.
        case gone
    }

    /// Why a peer is doubted.
    package enum Cause: Hashable, Sendable {
        /// A connection to it ended or could not be made.
        case connectionLost
        /// It is late with something.
        case silence
    }

    private enum Sight: Hashable {
        case unknown
        case silent
        case gone
    }

    private struct Doubt {
        let epoch: BrokerEpoch
        let began: MonotonicInstant
        /// Since when nothing is known to have been heard.
        var since: MonotonicInstant
        var isConnectionLost: Bool
        var sight = Sight.unknown
        /// Asking ends here unless it is doubted again.
        var until: MonotonicInstant
    }

    /// How long asking goes on after the last doubt.
    package static let askingMilliseconds: Int64 = 1_000

    private var doubts: [BrokerID: Doubt] = [:]

    package init() {}

    /// A peer is doubted; true when asking is to begin.
    ///
    /// - Parameter since: when it was last heard, as far as is known.
    package mutating func doubt(
        _ peer: BrokerID, epoch: BrokerEpoch, _ cause: Cause, since: MonotonicInstant, now: MonotonicInstant
    ) -> Bool {
        let until = now.advanced(byMilliseconds: PeerSightings.askingMilliseconds)
        guard var known = doubts[peer], known.epoch == epoch else {
            doubts[peer] = Doubt(
                epoch: epoch, began: now, since: min(since, now), isConnectionLost: cause == .connectionLost,
                until: until)
            return true
        }
        known.since = min(known.since, since)
        known.isConnectionLost = known.isConnectionLost || cause == .connectionLost
        known.until = until
        doubts[peer] = known
        return false
    }

    /// An answer, or the lack of one; true when it is to be asked again.
    package mutating func found(
        _ finding: Finding, of peer: BrokerID, epoch: BrokerEpoch, now: MonotonicInstant
    ) -> Bool {
        guard var known = doubts[peer], known.epoch == epoch else { return false }
        switch finding {
        case .answered: doubts[peer] = nil
        case .gone:
            known.sight = .gone
            doubts[peer] = known
        case .silent:
            known.sight = .silent
            doubts[peer] = now < known.until ? known : nil
            return now < known.until
        }
        return false
    }

    /// The registration of a peer changed: where it is fenced, gone, or another life, what was seen is of no use.
    package mutating func changed(_ peer: BrokerID, unfencedEpoch: BrokerEpoch?) {
        if let known = doubts[peer], known.epoch != unfencedEpoch { doubts[peer] = nil }
    }

    /// Those to whom no client should be sent: their connection ended, or they do not answer.
    ///
    /// - Parameter hidingMilliseconds: how long a silent one is suspected: who is not fenced by then answers others,
    ///   and it is the link to it that is broken. One that is gone is suspected until its registration changes.
    package func suspected(now: MonotonicInstant, hidingMilliseconds: Int64) -> Set<BrokerID> {
        if doubts.isEmpty { return [] }
        let suspected = doubts.filter { _, doubt in
            switch doubt.sight {
            case .gone: true
            case .silent: now.milliseconds(since: doubt.began) < hidingMilliseconds
            case .unknown: doubt.isConnectionLost && now.milliseconds(since: doubt.began) < hidingMilliseconds
            }
        }
        return Set(suspected.keys)
    }

    /// What the controller is told: the peers that did not answer.
    package func reports(now: MonotonicInstant) -> [PeerSighting] {
        doubts.sorted { $0.key < $1.key }.compactMap { peer, doubt in
            let kind: PeerSighting.Kind
            switch doubt.sight {
            case .unknown: return nil
            case .silent: kind = .silent
            case .gone: kind = .gone
            }
            return PeerSighting(
                peer: peer, epoch: doubt.epoch, kind: kind,
                milliseconds: max(now.milliseconds(since: doubt.since), 0))
        }
    }
}
