import LogStorage
import Primitives
import Replication
import Synchronization

/// What one partition has to report, taken in one look under its lock.
struct PartitionFigures: Hashable, Sendable {
    struct Log: Hashable, Sendable {
        var start: Offset
        var end: Offset
        var sizeBytes: Int64
        var segments: Int
        var producers: Int
    }

    struct Leading: Hashable, Sendable {
        var inSync: Int
        var replicas: Int
        var minInSync: Int
        /// Records that each follower lacks; nil before it has fetched.
        var lags: [BrokerID: Int64?]
    }

    var isOffline = false
    var isDamaged = false
    var log: Log?
    var leading: Leading?
    var parkedProduces = 0
    var parkedFetches = 0

    init(_ state: borrowing PartitionState) {
        parkedProduces = state.parkedProduces.count
        parkedFetches = state.parkedFetches.count + state.watches.count { $0.goal != nil }
        isOffline = state.isOffline
        isDamaged = state.damage != nil
        log = state.log.map { open in
            Log(
                start: open.logStartOffset, end: open.logEndOffset, sizeBytes: open.sizeBytes,
                segments: open.segmentCount, producers: open.producers.count)
        }
        guard let leader = state.leader else { return }
        var lags: [BrokerID: Int64?] = [:]
        for follower in leader.followers {
            lags[follower.broker] = follower.endOffset.map { leader.logEnd.value - $0.value }
        }
        leading = Leading(
            inSync: leader.inSync.count, replicas: leader.replicas.count, minInSync: leader.effectiveMinInSync,
            lags: lags)
    }
}

extension Partition {
    /// What there is to report.
    var figures: PartitionFigures { state.withLock { PartitionFigures($0) } }
}
