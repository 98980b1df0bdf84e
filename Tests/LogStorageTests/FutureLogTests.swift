import LogStorage
import Primitives
import Testing
import WireProtocol
import World

/// The log `/a/orders-0` on its way to `/b`, as its broker moves it.
private struct Moving {
    static let name = PartitionDirectoryName(topic: "orders", partition: PartitionIndex(0))
    static let copyName = name.asided(.future, id: UUID128(high: 7, low: 7))
    let disk: SimDisk
    var configuration = LogConfiguration()
    var log: PartitionLog
    var future: FutureLog?
    let now = Timestamp(1_000)

    init(_ disk: SimDisk = SimDisk()) throws {
        self.disk = disk
        configuration.segmentBytes = 1_000
        configuration.indexIntervalBytes = 100
        configuration.acceptsGaps = true
        for parent in ["/a", "/b"] where !disk.exists(parent) { try disk.createDirectory(parent) }
        try disk.synchronizeDirectory("/")
        (log, _) = try PartitionLog.open(
            directory: "/a/\(Moving.name)", files: disk, configuration: configuration, start: .clean, now: now)
    }

    mutating func fill(_ count: Int, epoch: Int32 = 0, producer: Int64? = nil) throws {
        for index in 0..<count {
            let own = producer.map { idempotent($0, sequence: Int32(index)) }
            _ = try log.appendAsLeader(
                [batch(own == nil ? index % 3 + 1 : 1, time: 1_000 + Int64(index), producer: own)],
                epoch: LeaderEpoch(epoch), now: now)
        }
    }

    mutating func begin(keepsContent: Bool = true) throws {
        future = try FutureLog.open(
            Moving.copyName, in: "/b", topic: UUID128(high: 1, low: 1), keepsContent: keepsContent,
            configuration: configuration, files: disk, now: now)
    }

    /// Copies until nothing is left.
    mutating func copy(isSameLog: Bool = true, maxBytes: Int = 300) throws {
        var isSame = isSameLog
        while let end = future?.endOffset {
            let source = try log.copySource(from: end, maxBytes: maxBytes)
            let follows = try future?.align(with: source, isSameLog: isSame, now: now) ?? false
            isSame = true
            guard follows else { continue }
            if source.slice.isEmpty, future?.endOffset == source.logEnd { return }
            if !source.slice.isEmpty { try future?.append(try source.slice.read(), now: now) }
        }
    }

    /// The end of the move: the copy takes the name, the log loses it.
    mutating func arrive() throws {
        try future?.complete(as: log)
        #expect(try future?.takeName(Moving.name) == true)
        _ = try LogDirectory(path: "/a", files: disk).setAside(
            Moving.name, as: .deleted, id: UUID128(high: 8, low: 8))
        guard var next = future?.log else { return }
        next.succeed(log)
        log = next
    }

    static func contents(_ log: inout PartitionLog) throws -> [UInt8] {
        var position = log.logStartOffset
        var all: [UInt8] = []
        while position < log.logEndOffset {
            let slice = try log.read(from: position, maxBytes: 700, upTo: log.logEndOffset, minOneMessage: true)
            if slice.isEmpty { break }
            all += try log.bytes(of: slice).array
            position = slice.endOffset
        }
        return all
    }

    func reopened(_ parent: String, recoveryPoint: Offset = .zero) throws -> PartitionLog {
        try PartitionLog.open(
            directory: "\(parent)/\(Moving.name)", files: disk, configuration: configuration,
            start: RecoveryStart(wasCleanShutdown: false, recoveryPoint: recoveryPoint), now: now
        ).log
    }
}

@Suite("A log moves to another directory") struct FutureLogTests {
    @Test("The copy has the same records, epochs and producers, and goes on as the log")
    func moves() throws {
        var moving = try Moving()
        try moving.fill(12)
        try moving.fill(6, epoch: 2, producer: 40)
        moving.log.assign(LeaderEpoch(5), startOffset: moving.log.logEndOffset)
        let before = try Moving.contents(&moving.log)
        try moving.begin()
        try moving.copy()
        try moving.arrive()
        #expect(moving.log.directory == "/b/orders-0")
        #expect(try Moving.contents(&moving.log) == before)
        #expect(moving.log.epochs.entries.map(\.epoch) == [0, 2, 5].map { LeaderEpoch($0) })
        #expect(moving.log.flushedEndOffset == moving.log.logEndOffset)
        // A producer's next batch is fresh, its last a duplicate.
        let repeated = try moving.log.appendAsLeader(
            [batch(producer: idempotent(40, sequence: 5))], epoch: LeaderEpoch(5), now: moving.now)
        #expect(repeated[0].duplicate != nil)
        let next = try moving.log.appendAsLeader(
            [batch(producer: idempotent(40, sequence: 6))], epoch: LeaderEpoch(5), now: moving.now)
        #expect(next[0].appended != nil)
        try moving.fill(10, epoch: 5)
        try moving.log.flush()
        let after = try Moving.contents(&moving.log)
        moving.disk.kill()
        var reopened = try moving.reopened("/b")
        #expect(try Moving.contents(&reopened) == after)
        #expect(reopened.epochs.entries.map(\.epoch) == [0, 2, 5].map { LeaderEpoch($0) })
    }

    @Test("A producer whose records retention has removed is known to the copy, also after a crash")
    func producersWithoutRecords() throws {
        var moving = try Moving()
        try moving.fill(3, producer: 40)
        try moving.fill(20)
        try moving.log.flush()
        let end = moving.log.logEndOffset
        for removal in try moving.log.incrementLogStartOffset(to: end) { try removal.run(moving.disk) }
        try moving.begin()
        try moving.copy()
        try moving.arrive()
        #expect(moving.log.logStartOffset == end && moving.log.logEndOffset == end)
        // The checkpoint of the new directory is written when the log has arrived there.
        try moving.log.recoveryPointWasSaved(end)
        moving.disk.kill()
        let reopened = try moving.reopened("/b", recoveryPoint: end)
        #expect(reopened.logEndOffset == end)
        #expect(reopened.producers.ids.contains(ProducerID(40)))
    }

    @Test("Where the log is cut meanwhile, so is the copy, by their epochs")
    func cut() throws {
        var moving = try Moving()
        try moving.fill(10)
        let cut = moving.log.logEndOffset
        try moving.fill(10, epoch: 1)
        try moving.begin()
        try moving.copy()
        try moving.log.truncate(to: cut)
        try moving.fill(12, epoch: 2)
        try moving.copy()
        let expected = try Moving.contents(&moving.log)
        var copied = try #require(moving.future?.log)
        #expect(try Moving.contents(&copied) == expected)
        #expect(copied.epochs.entries == moving.log.epochs.entries)
    }

    @Test("A copy that a crash interrupted goes on where it agrees with the log, which was cut since")
    func resumed() throws {
        var moving = try Moving()
        try moving.fill(10)
        let cut = moving.log.logEndOffset
        try moving.fill(10, epoch: 1)
        try moving.begin()
        try moving.copy()
        try moving.future?.flush()
        try moving.log.truncate(to: cut)
        try moving.fill(4, epoch: 3)
        try moving.log.flush()
        moving.disk.kill()
        moving.log = try moving.reopened("/a")
        try moving.begin()
        #expect(moving.future?.endOffset ?? .zero > cut)
        try moving.copy(isSameLog: false)
        var copied = try #require(moving.future?.log)
        #expect(try Moving.contents(&copied) == Moving.contents(&moving.log))
    }

    @Test("Where the log's start moves, so does the copy's: within it, and beyond its end")
    func start() throws {
        var moving = try Moving()
        try moving.fill(20)
        try moving.begin()
        let source = try moving.log.copySource(from: .zero, maxBytes: 300)
        _ = try moving.future?.align(with: source, isSameLog: false, now: moving.now)
        try moving.future?.append(try source.slice.read(), now: moving.now)
        let middle = Offset(3)
        _ = try moving.log.incrementLogStartOffset(to: middle)
        try moving.copy()
        #expect(moving.future?.log.logStartOffset == middle)
        try moving.fill(60)
        let late = Offset(moving.log.logEndOffset.value - 3)
        for removal in try moving.log.incrementLogStartOffset(to: late) { try removal.run(moving.disk) }
        try moving.copy()
        #expect(moving.future?.log.logStartOffset == late)
        try moving.arrive()
        #expect(moving.log.logStartOffset == late)
    }

    @Test("A damaged batch is not copied: it is the log's fault, and said to be")
    func damaged() throws {
        var moving = try Moving()
        try moving.fill(10)
        try moving.begin()
        moving.disk.flip("/a/orders-0/00000000000000000000.log", at: 80)
        #expect {
            try moving.copy()
        } throws: { error in
            if case .source(.invalidBatch) = error as? FutureLog.Failure { true } else { false }
        }
    }

    @Test("After a loss of power at any step the log is whole, in the old directory or in the new one")
    func crashes() throws {
        var generator = SeededGenerator(seed: 11)
        var isOver = false
        var stop = 0
        var found = (old: 0, new: 0)
        while !isOver {
            for _ in 0..<3 {
                var moving = try Moving()
                try moving.fill(14)
                try moving.fill(4, epoch: 1, producer: 9)
                try moving.log.flush()
                let expected = try Moving.contents(&moving.log)
                let disk = moving.disk
                disk.stop(atOperation: disk.operations + stop)
                do {
                    try moving.begin()
                    try moving.copy()
                    try moving.arrive()
                    isOver = true
                } catch {}
                disk.crash(using: &generator)
                // What a start does: the new directory counts where it has the name, as the metadata names it.
                let isNew = disk.exists("/b/orders-0")
                if isNew { found.new += 1 } else { found.old += 1 }
                moving.log = try moving.reopened(isNew ? "/b" : "/a")
                #expect(try Moving.contents(&moving.log) == expected, "stopped at \(stop)")
                #expect(moving.log.epochs.entries.map(\.epoch) == [LeaderEpoch(0), LeaderEpoch(1)])
                #expect(moving.log.producers.ids.contains(ProducerID(9)))
                // And the move can be made again, over what is left of the first.
                if !isNew {
                    try moving.begin()
                    try moving.copy(isSameLog: false)
                    try moving.arrive()
                    #expect(try Moving.contents(&moving.log) == expected)
                }
            }
            stop += 1
        }
        #expect(found.old > 20 && found.new > 2)
    }
}
