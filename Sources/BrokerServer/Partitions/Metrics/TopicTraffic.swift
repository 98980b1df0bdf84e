import Synchronization

/// What went into and out of the partitions of one topic on this broker. Counted where it happens, without a lock.
package final class TopicTraffic: Sendable {
    let messagesIn = Atomic<UInt64>(0)
    let bytesIn = Atomic<UInt64>(0)
    let bytesOut = Atomic<UInt64>(0)
    let bytesRejected = Atomic<UInt64>(0)
    let replicationBytesIn = Atomic<UInt64>(0)
    let replicationBytesOut = Atomic<UInt64>(0)
    let produces = Atomic<UInt64>(0)
    let failedProduces = Atomic<UInt64>(0)
    let fetches = Atomic<UInt64>(0)
    let failedFetches = Atomic<UInt64>(0)

    package init() {}

    /// A produced batch is in the log.
    func appended(bytes: Int, messages: Int64) {
        produces.wrappingAdd(1, ordering: .relaxed)
        bytesIn.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        messagesIn.wrappingAdd(UInt64(max(messages, 0)), ordering: .relaxed)
    }

    /// A produced batch was refused.
    func rejected(bytes: Int) {
        produces.wrappingAdd(1, ordering: .relaxed)
        failedProduces.wrappingAdd(1, ordering: .relaxed)
        bytesRejected.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// A follower appended what its leader gave it.
    func replicated(bytes: Int) { replicationBytesIn.wrappingAdd(UInt64(bytes), ordering: .relaxed) }

    /// A fetch was answered.
    func fetched(bytes: Int, isFollower: Bool, isError: Bool) {
        if isFollower {
            replicationBytesOut.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        } else {
            fetches.wrappingAdd(1, ordering: .relaxed)
            if isError { failedFetches.wrappingAdd(1, ordering: .relaxed) }
            bytesOut.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        }
    }

    var counts: TrafficCounts {
        TrafficCounts(
            messagesIn: messagesIn.load(ordering: .relaxed), bytesIn: bytesIn.load(ordering: .relaxed),
            bytesOut: bytesOut.load(ordering: .relaxed), bytesRejected: bytesRejected.load(ordering: .relaxed),
            replicationBytesIn: replicationBytesIn.load(ordering: .relaxed),
            replicationBytesOut: replicationBytesOut.load(ordering: .relaxed),
            produces: produces.load(ordering: .relaxed), failedProduces: failedProduces.load(ordering: .relaxed),
            fetches: fetches.load(ordering: .relaxed), failedFetches: failedFetches.load(ordering: .relaxed))
    }
}

/// The counts of one moment.
struct TrafficCounts: Hashable, Sendable {
    var messagesIn: UInt64 = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    var bytesRejected: UInt64 = 0
    var replicationBytesIn: UInt64 = 0
    var replicationBytesOut: UInt64 = 0
    var produces: UInt64 = 0
    var failedProduces: UInt64 = 0
    var fetches: UInt64 = 0
    var failedFetches: UInt64 = 0

    mutating func add(_ other: TrafficCounts) {
        messagesIn += other.messagesIn
        bytesIn += other.bytesIn
        bytesOut += other.bytesOut
        bytesRejected += other.bytesRejected
        replicationBytesIn += other.replicationBytesIn
        replicationBytesOut += other.replicationBytesOut
        produces += other.produces
        failedProduces += other.failedProduces
        fetches += other.fetches
        failedFetches += other.failedFetches
    }
}
