import LogStorage
import Primitives
import Replication
import WireMessages
import WireProtocol
import World

/// What is read for one item of a fetch.
struct FetchPlace: Sendable {
    /// Nil where there is none to read here.
    let partition: Partition?
    /// What the partition says; the refusal where there is none.
    var read: FetchRead
    /// By what its session is told of what happens there; nil without a session.
    var watch: PartitionWatch?
    /// Whether this fetch says what its follower has: only as it comes, not when it looks again.
    var isFirst = true
    /// False where the answer was full before it came to it.
    var wasRead = true
}

/// What a Fetch request is answered with, before it is put into the bytes of its version.
struct FetchAnswer: Sendable {
    let plan: FetchSessionCache.Plan
    /// Of each item of the plan.
    var places: [FetchPlace]
    let requester: FetchRequester
    /// The listener that the request came in on.
    let listener: String

    /// Checks what comes, or may come, from a disk, and brings it into the page cache by that; blocks.
    ///
    /// Damaged records are never sent: an answer ends before them, or says KAFKA_STORAGE_ERROR, with which clients ask
    /// for the leader anew and try again. Nothing is kept: what a client is slow to take, or never takes, would be
    /// memory of this node.
    ///
    /// - Parameter cold: the places of what is checked.
    mutating func check(_ cold: [Int]) {
        for index in cold {
            let read = places[index].read
            guard let slice = read.slice, let partition = places[index].partition else { continue }
            if read.isTrusted { slice.distrust() }
            switch partition.look(at: slice) {
            case .sound: slice.wasChecked(now: partition.services.clock.now)
            case .failed: places[index].read = FetchRead(error: .kafkaStorageError)
            case .damaged(let damage):
                if let sound = slice.prefix(before: damage) {
                    places[index].read.slice = sound
                } else {
                    places[index].read = FetchRead(error: .kafkaStorageError)
                }
            }
        }
    }

    /// Reads which transactions were aborted where that stands in files; blocks. What can't be read is not told as
    /// nothing: a client that gets KAFKA_STORAGE_ERROR asks again.
    mutating func findAborted() {
        for index in places.indices {
            guard let lookup = places[index].read.abortedLookup, places[index].read.error == .noError else { continue }
            do throws(StorageError) { places[index].read.aborted = try lookup.find() } catch {
                places[index].read = FetchRead(error: .kafkaStorageError)
            }
        }
    }

    /// The records of a partition as a piece of the answer.
    func records(at index: Int) -> Segment? {
        guard let slice = places[index].read.slice else { return nil }
        return .file(slice.file, position: slice.position, count: slice.count)
    }
}

/// Writes a Fetch response as pieces: everything but records as bytes, records as ranges of the log's files.
struct FetchResponseWriter: ~Copyable {
    private let version: Int16
    private var segments: [Segment] = []
    private var writer = WireWriter()

    /// Begins the answer that `reply` owes.
    init(for reply: Reply<FetchResponse>) {
        version = reply.version
        reply.begin(&writer)
        // What stands before the records of one partition, the records, and what stands behind them.
        segments.reserveCapacity(3)
        writer.isFlexible = version >= FetchRequest.firstFlexible
    }

    /// - Parameter told: the places of the partitions that the answer names, in order.
    mutating func write(
        _ answer: FetchAnswer, told: [Int], hints: [Int: LeaderHint], nodes: [FetchResponse.NodeEndpoint]
    ) {
        begin(error: .noError, sessionID: answer.plan.sessionID)
        let items = answer.plan.items
        func isFirstOfTopic(_ place: Int) -> Bool {
            place == 0 || items[told[place]].key.topic != items[told[place - 1]].key.topic
        }
        length(told.indices.count(where: isFirstOfTopic))
        var place = 0
        while place < told.count {
            switch items[told[place]].key.topic {
            case .id(let id): writer.uuid(id)
            case .name(let name): writer.string(name)
            }
            var end = place + 1
            while end < told.count, !isFirstOfTopic(end) { end += 1 }
            length(end - place)
            for index in told[place..<end] { partition(index, answer, hints[index]) }
            writer.endStruct()
            place = end
        }
        end(nodes)
    }

    /// An answer that says only what is wrong with the request.
    mutating func write(error: ErrorCode) {
        begin(error: error, sessionID: 0)
        length(0)
        end([])
    }

    /// The whole frame, but for its length.
    consuming func finish() -> [Segment] {
        var segments = segments
        let last = writer.finish()
        if !last.isEmpty { segments.append(.bytes(last)) }
        return segments
    }

    private mutating func begin(error: ErrorCode, sessionID: Int32) {
        writer.int32(0)
        guard version >= 7 else { return }
        writer.int16(error.value)
        writer.int32(sessionID)
    }

    private mutating func end(_ nodes: [FetchResponse.NodeEndpoint]) {
        guard writer.isFlexible else { return }
        var mark = writer.beginTags()
        if version >= 16, !nodes.isEmpty {
            writer.beginTag(0, &mark)
            writer.array(nodes, version)
            writer.endTag(&mark)
        }
    }

    private mutating func partition(_ index: Int, _ answer: FetchAnswer, _ hint: LeaderHint?) {
        let read = answer.places[index].read
        writer.int32(answer.plan.items[index].key.partition.value)
        writer.int16(read.error.value)
        writer.int64(read.highWatermark?.value ?? -1)
        writer.int64(read.lastStable?.value ?? -1)
        if version >= 5 { writer.int64(read.logStart?.value ?? -1) }
        if answer.requester.readsCommittedOnly { aborted(read.aborted) } else { nullArray() }
        if version >= FetchHandler.rackSince { writer.int32(read.preferredReplica?.value ?? -1) }
        let records = answer.records(at: index)
        length(records?.count ?? 0)
        if let records {
            flush()
            segments.append(records)
        }
        guard writer.isFlexible else { return }
        var mark = writer.beginTags()
        if let divergence = read.divergence {
            writer.beginTag(0, &mark)
            writer.int32(divergence.epoch.value)
            writer.int64(divergence.endOffset.value)
            writer.endStruct()
            writer.endTag(&mark)
        }
        if let hint {
            writer.beginTag(1, &mark)
            writer.int32(hint.leader?.value ?? -1)
            writer.int32(hint.leaderEpoch.value)
            writer.endStruct()
            writer.endTag(&mark)
        }
    }

    private mutating func aborted(_ transactions: [AbortedTransaction]) {
        length(transactions.count)
        for transaction in transactions {
            writer.int64(transaction.producerID.value)
            writer.int64(transaction.firstOffset.value)
            writer.endStruct()
        }
    }

    private mutating func length(_ count: Int) {
        if writer.isFlexible { writer.unsignedVarint(UInt32(count + 1)) } else { writer.int32(Int32(count)) }
    }

    private mutating func nullArray() { if writer.isFlexible { writer.uint8(0) } else { writer.int32(-1) } }

    /// What was written so far becomes a piece of its own.
    private mutating func flush() {
        let piece = FetchResponseWriter.take(&writer)
        if !piece.isEmpty { segments.append(.bytes(piece)) }
    }

    private static func take(_ writer: inout WireWriter) -> Bytes {
        let isFlexible = writer.isFlexible
        let full = writer
        writer = WireWriter()
        writer.isFlexible = isFlexible
        return full.finish()
    }
}
