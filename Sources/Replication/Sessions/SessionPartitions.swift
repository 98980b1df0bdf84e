package import Primitives

/// How a fetch names a topic: by id since version 13, by name before.
package enum FetchedTopic: Hashable, Sendable {
    case id(TopicID)
    case name(String)

    var isID: Bool {
        switch self {
        case .id: true
        case .name: false
        }
    }
}

/// One partition in a fetch session.
package struct FetchKey: Hashable, Sendable {
    package var topic: FetchedTopic
    package var partition: PartitionIndex

    package init(topic: FetchedTopic, partition: PartitionIndex) {
        self.topic = topic
        self.partition = partition
    }

    // A topic id is random already: half of it, mixed with the partition, spreads as well as all of it.
    package func hash(into hasher: inout Hasher) {
        switch topic {
        case .id(let id): hasher.combine(id.low ^ UInt64(UInt32(bitPattern: partition.value)))
        case .name(let name):
            hasher.combine(name)
            hasher.combine(partition)
        }
    }
}

/// What is asked of one partition.
package struct FetchWish: Hashable, Sendable {
    package var offset: Offset
    package var currentLeaderEpoch: LeaderEpoch?
    package var lastFetchedEpoch: LeaderEpoch?
    /// The follower's log start; nil from consumers.
    package var logStart: Offset?
    /// The follower's high watermark, where it wants to hear of a newer one at once (KIP-1166).
    package var highWatermark: Offset?
    /// How far the follower's log is durable, where that is what it acknowledges; else all below `offset` is.
    package var flushedEnd: Offset?
    package var maxBytes: Int

    /// What the follower acknowledges: never more than what the leader knows to be the same as its own.
    package var acknowledgedEnd: Offset { min(flushedEnd ?? offset, offset) }

    package init(
        offset: Offset, currentLeaderEpoch: LeaderEpoch?, lastFetchedEpoch: LeaderEpoch?, logStart: Offset?,
        highWatermark: Offset? = nil, flushedEnd: Offset? = nil, maxBytes: Int
    ) {
        self.offset = offset
        self.currentLeaderEpoch = currentLeaderEpoch
        self.lastFetchedEpoch = lastFetchedEpoch
        self.logStart = logStart
        self.highWatermark = highWatermark
        self.flushedEnd = flushedEnd
        self.maxBytes = maxBytes
    }
}

/// A partition with what is asked of it.
package struct FetchItem: Hashable, Sendable {
    package var key: FetchKey
    package var wish: FetchWish

    package init(key: FetchKey, wish: FetchWish) {
        self.key = key
        self.wish = wish
    }
}

/// A partition that a fetch has to look at.
package struct DueFetch: Hashable, Sendable {
    package var key: FetchKey
    package var wish: FetchWish
    /// Its number in the session; 0 where there is none.
    package var slot: Int32
    /// Whether the request itself names it.
    package var isNamed: Bool
}

/// What an answer says about a partition beside its records; an incremental answer leaves out what has not changed.
package struct FetchNews: Hashable, Sendable {
    package var error: ErrorCode
    package var highWatermark: Offset?
    package var logStart: Offset?
    /// Records or a divergence: always to be told.
    package var hasContent: Bool
    /// Whether nothing more is to be found before something happens at the partition.
    package var isSettled: Bool

    package init(
        error: ErrorCode, highWatermark: Offset?, logStart: Offset?, hasContent: Bool, isSettled: Bool = false
    ) {
        self.error = error
        self.highWatermark = highWatermark
        self.logStart = logStart
        self.hasContent = hasContent
        self.isSettled = isSettled
    }
}
