import Primitives
import WireProtocol

/// A batch as it lies on a disk.
struct DiskBatch: Hashable, Sendable {
    let base: Offset
    /// The offset behind it.
    let end: Offset
    let epoch: LeaderEpoch
    /// What its header says: covers all but offset and epoch.
    let checksum: UInt32
    /// Of all its bytes.
    let sum: UInt32
    let producerID: ProducerID?
    let producerEpoch: ProducerEpoch?
    let baseSequence: Int32?
    let recordCount: Int32
    /// Nil where it has nothing to do with transactions.
    var meaning: BatchMeaning?
}

/// The batches of one replica as a simulated disk has them: read from the bytes, without a word with the node.
struct DiskLog {
    private struct Segment {
        let name: String
        /// How many of the log's batches lie in it and in those before.
        var batchesEnd: Int
        /// Up to here its bytes are whole batches.
        var validBytes: Int
    }

    let directory: String
    private(set) var batches: [DiskBatch] = []
    /// Who votes by it, where it is the metadata log.
    private(set) var voters = VotersOfLog()
    private var positions: [Int] = []
    private var segments: [Segment] = []
    /// Files came, went or changed where nothing should: all has to be read again.
    private var isStale = true
    /// The first segment that may have more than was read of it; nil where there is none.
    private var unreadFrom: Int?

    /// Whether it is a log of transaction coordinators.
    private let isOfCoordinator: Bool
    /// Markers that were found since they were last taken.
    private(set) var unseenMarkers: [DiskBatch] = []

    init(directory: String) {
        self.directory = directory
        isOfCoordinator = directory.contains("/\(TransactionTruth.topicName)-")
    }

    mutating func takeMarkers() -> [DiskBatch] {
        defer { unseenMarkers = [] }
        return unseenMarkers
    }

    /// The offset behind the last whole batch, or behind what a snapshot of the metadata stands for; nil for an empty
    /// log.
    var end: Offset? { batches.last?.end ?? snapshotEnd }
    private var snapshotEnd: Offset?
    var needsRefresh: Bool { isStale || unreadFrom != nil }

    mutating func namesChanged() { isStale = true }

    /// A file came, empty: the log goes on in it.
    mutating func created(_ name: String) {
        guard !isStale, segments.last.map({ $0.name < name }) ?? true else {
            isStale = true
            return
        }
        segments.append(Segment(name: name, batchesEnd: batches.count, validBytes: 0))
        noteGrowth()
    }

    private mutating func noteGrowth() { unreadFrom = unreadFrom ?? segments.count - 1 }

    mutating func wrote(_ name: String, position: Int) {
        guard !isStale, let last = segments.last, last.name == name else {
            isStale = true
            return
        }
        noteGrowth()
        if position < last.validBytes { cut(to: position) }
    }

    mutating func resized(_ name: String, to size: Int) {
        guard !isStale, let last = segments.last, last.name == name else {
            isStale = true
            return
        }
        noteGrowth()
        if size < last.validBytes { cut(to: size) }
    }

    private var changedFrom: Offset?

    private mutating func changed(from offset: Offset) { changedFrom = min(changedFrom ?? offset, offset) }

    /// Drops the batches of the last segment that reach behind a position.
    private mutating func cut(to position: Int) {
        let first = segments.count > 1 ? segments[segments.count - 2].batchesEnd : 0
        while batches.count > first, let start = positions.last, start >= position {
            dropLast(at: start)
        }
        if segments[segments.count - 1].validBytes > position, batches.count > first, let start = positions.last {
            dropLast(at: start)
        }
        segments[segments.count - 1].batchesEnd = batches.count
    }

    private mutating func dropLast(at start: Int) {
        let base = batches.removeLast().base
        changed(from: base)
        voters.cut(to: base)
        positions.removeLast()
        segments[segments.count - 1].validBytes = start
    }

    /// Reads what is new; gives the offset from which something other may stand there than before.
    mutating func refresh(_ files: VirtualFiles) -> Offset? {
        if isStale {
            readAll(files)
        } else {
            for index in (unreadFrom ?? segments.count)..<segments.count { readOn(index, files) }
        }
        isStale = false
        unreadFrom = nil
        defer { changedFrom = nil }
        return changedFrom
    }

    private mutating func readAll(_ files: VirtualFiles) {
        let former = batches
        batches = []
        voters.removeAll()
        positions = []
        segments = []
        let prefix = directory + "/"
        for path in files.paths where path.hasPrefix(prefix) && path.hasSuffix(".log") {
            let name = String(path.dropFirst(prefix.count))
            segments.append(Segment(name: name, batchesEnd: batches.count, validBytes: 0))
            readOn(segments.count - 1, files)
        }
        readSnapshots(files)
        let same = zip(former, batches).prefix { $0 == $1 }.count
        if same < former.count { changed(from: former[same].base) }
    }

    /// Where the newest snapshot of the metadata ends, and who voted by the oldest: what that stands for may be gone
    /// from the log.
    private mutating func readSnapshots(_ files: VirtualFiles) {
        snapshotEnd = nil
        var hasVoters = false
        let prefix = directory + "/"
        let snapshots = files.paths.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".checkpoint") }
        for path in snapshots {
            // <end offset>-<epoch>.checkpoint; the founders' stands for nothing, and other files have that ending, too.
            let name = path.dropFirst(prefix.count)
            guard let dash = name.firstIndex(of: "-"), let end = Int64(name[..<dash]), end > 0 else { continue }
            snapshotEnd = Offset(end)
            var batches = RecordBatches(Bytes(files.look(into: path) ?? []))
            while !hasVoters, let batch = try? batches.next() {
                guard let named = VotersOfLog.voters(in: batch) else { continue }
                voters.begin(with: named, below: Offset(end))
                hasVoters = true
            }
        }
    }

    private mutating func readOn(_ index: Int, _ files: VirtualFiles) {
        let segment = segments[index]
        let found = files.look(into: directory + "/" + segment.name, from: segment.validBytes) ?? []
        let bytes = Bytes(found)
        var iterator = RecordBatches(bytes)
        var position = 0
        while let batch = try? iterator.next() {
            // A hole in the file reads as zeroes, and what is torn has another checksum.
            guard batch.computedChecksum == batch.header.checksum else { break }
            batches.append(read(batch))
            if case .marker = batches[batches.count - 1].meaning { unseenMarkers.append(batches[batches.count - 1]) }
            if let named = VotersOfLog.voters(in: batch) { voters.append(named, at: batch.header.baseOffset) }
            positions.append(segment.validBytes + position)
            position = iterator.position
        }
        segments[index].validBytes = segment.validBytes + position
        segments[index].batchesEnd = batches.count
    }

    private func read(_ batch: RecordBatch) -> DiskBatch {
        let header = batch.header
        return DiskBatch(
            base: header.baseOffset, end: header.nextOffset, epoch: header.leaderEpoch, checksum: header.checksum,
            sum: CRC32C.checksum(batch.bytes.span), producerID: header.producerID,
            producerEpoch: header.producerEpoch, baseSequence: header.baseSequence, recordCount: header.recordCount,
            meaning: BatchMeaning.read(batch, isOfCoordinator: isOfCoordinator))
    }

    /// The file in which a batch lies, and where.
    func location(of index: Int) -> (path: String, position: Int)? {
        guard let segment = segments.first(where: { $0.batchesEnd > index }) else { return nil }
        return (directory + "/" + segment.name, positions[index])
    }

    /// The position of the first batch that ends behind an offset.
    func index(behind offset: Offset) -> Int {
        var (low, high) = (0, batches.count)
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
