package import Primitives
package import WireMessages

/// What a broker says of itself and of its peers with a heartbeat.
package struct BrokerVitals: Hashable, Sendable {
    /// The longest by which its control loop was held up of late.
    package var lagMilliseconds: Int64 = 0
    /// For how long its control loop has not been held up for long; nil where it does not tell.
    package var wellMilliseconds: Int64?
    /// The 99th percentile of the flushes of late, those that are still running included, in each log directory that
    /// had any.
    package var flushMilliseconds: [DirectoryID: Int64] = [:]
    /// The leaders that it can't fetch from, and for how long.
    package var unfetchable: [BrokerID: Int64] = [:]
    /// The peers that do not answer it.
    package var sightings: [PeerSighting] = []

    package init() {}
}

/// What a broker found when it asked another for a sign of life.
package struct PeerSighting: Hashable, Sendable {
    /// What became of the question.
    package enum Kind: Int8, Hashable, Sendable {
        /// No answer, or no way there: a witness of silence.
        case silent = 0
        /// Refused, or another process answers in its place.
        case gone = 1
    }

    package var peer: BrokerID
    /// The life of the peer that was meant.
    package var epoch: BrokerEpoch
    package var kind: Kind
    /// How long nothing was heard of it.
    package var milliseconds: Int64

    package init(peer: BrokerID, epoch: BrokerEpoch, kind: Kind, milliseconds: Int64) {
        self.peer = peer
        self.epoch = epoch
        self.kind = kind
        self.milliseconds = milliseconds
    }
}

extension BrokerVitals {
    /// Reads them from a heartbeat; nil from a broker that is no Martlet.
    package init?(_ request: BrokerHeartbeatRequest) {
        guard request.loopLagMilliseconds >= 0 else { return nil }
        lagMilliseconds = Int64(request.loopLagMilliseconds)
        if request.loopWellMilliseconds >= 0 { wellMilliseconds = Int64(request.loopWellMilliseconds) }
        for directory in request.flushedDirectories {
            flushMilliseconds[directory.directoryID] = Int64(max(directory.milliseconds, 0))
        }
        for leader in request.unfetchableLeaders {
            unfetchable[leader.leaderID] = Int64(max(leader.milliseconds, 0))
        }
        sightings = request.sightings.compactMap { sighting in
            PeerSighting.Kind(rawValue: sighting.kind).map { kind in
                PeerSighting(
                    peer: sighting.brokerID, epoch: sighting.brokerEpoch, kind: kind,
                    milliseconds: Int64(max(sighting.milliseconds, 0)))
            }
        }
    }

    /// Writes them into a heartbeat.
    package func write(into request: inout BrokerHeartbeatRequest) {
        request.loopLagMilliseconds = Int32(clamping: max(lagMilliseconds, 0))
        if let wellMilliseconds { request.loopWellMilliseconds = Int32(clamping: max(wellMilliseconds, 0)) }
        request.flushedDirectories = flushMilliseconds.sorted { $0.key < $1.key }.map { directory, milliseconds in
            var told = BrokerHeartbeatRequest.FlushedDirectory()
            told.directoryID = directory
            told.milliseconds = Int32(clamping: max(milliseconds, 0))
            return told
        }
        request.unfetchableLeaders = unfetchable.sorted { $0.key < $1.key }.map { leader, milliseconds in
            var told = BrokerHeartbeatRequest.UnfetchableLeader()
            told.leaderID = leader
            told.milliseconds = Int32(clamping: milliseconds)
            return told
        }
        request.sightings = sightings.map { sighting in
            var told = BrokerHeartbeatRequest.Sighting()
            told.brokerID = sighting.peer
            told.brokerEpoch = sighting.epoch
            told.kind = sighting.kind.rawValue
            told.milliseconds = Int32(clamping: sighting.milliseconds)
            return told
        }
    }
}
