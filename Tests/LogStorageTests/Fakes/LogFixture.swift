import LogStorage
import Primitives
import Testing
import WireProtocol
import World

/// A batch of `count` records of about `valueBytes` each.
func batch(
    _ count: Int = 1, valueBytes: Int = 20, time: Int64 = 1_000, producer: BatchProducer? = nil,
    baseOffset: Int64 = 0, epoch: Int32? = nil, fill: UInt8 = 0x61
) -> Bytes {
    var builder = RecordBatchBuilder(
        baseOffset: Offset(baseOffset), leaderEpoch: epoch.map { LeaderEpoch($0) }, producer: producer)
    for index in 0..<count {
        let value = Bytes([UInt8](repeating: fill &+ UInt8(index % 20), count: valueBytes))
        builder.append(timestamp: Timestamp(time + Int64(index)), key: nil, value: value)
    }
    return builder.finish()
}

func idempotent(_ id: Int64, epoch: Int16 = 0, sequence: Int32) -> BatchProducer {
    BatchProducer(id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: sequence)
}

/// One log on a simulated disk, with the ways a test treats it.
struct LogFixture {
    var disk = SimDisk()
    var configuration = LogConfiguration()
    var log: PartitionLog
    var report: RecoveryReport
    var now = Timestamp(1_000)
    static let directory = "/data/orders-0"

    init(disk: SimDisk = SimDisk(), _ configure: (inout LogConfiguration) -> Void = { _ in }) throws {
        self.disk = disk
        configure(&configuration)
        (log, report) = try PartitionLog.open(
            directory: LogFixture.directory, files: disk, configuration: configuration, start: .clean, now: now)
    }

    /// Segments of a few batches, an index entry for nearly each batch.
    static func small(_ disk: SimDisk = SimDisk()) throws -> LogFixture {
        try LogFixture(disk: disk) {
            $0.segmentBytes = 1_000
            $0.indexIntervalBytes = 100
        }
    }

    mutating func append(_ pieces: Bytes..., epoch: Int32 = 0) throws -> [AppendOutcome] {
        try log.appendAsLeader(pieces, epoch: LeaderEpoch(epoch), now: now)
    }

    /// Appends `count` batches of one to three records.
    mutating func fill(_ count: Int, epoch: Int32 = 0) throws {
        for index in 0..<count {
            _ = try append(batch(index % 3 + 1, time: now.value + Int64(index) * 10), epoch: epoch)
        }
    }

    /// Opens the log again after the process ended.
    mutating func reopen(clean: Bool = false, recoveryPoint: Offset? = nil, highWatermark: Offset? = nil) throws {
        disk.kill()
        (log, report) = try PartitionLog.open(
            directory: LogFixture.directory, files: disk, configuration: configuration,
            start: RecoveryStart(
                wasCleanShutdown: clean, recoveryPoint: recoveryPoint ?? .zero, logStartOffset: .zero,
                highWatermark: highWatermark),
            now: now)
    }

    /// The bytes of all batches from `from` on, read slice by slice.
    mutating func contents(from start: Offset? = nil, maxBytes: Int = 700) throws -> [UInt8] {
        var position = start ?? log.logStartOffset
        var all: [UInt8] = []
        while position < log.logEndOffset {
            let slice = try log.read(from: position, maxBytes: maxBytes, upTo: log.logEndOffset, minOneMessage: true)
            try #require(!slice.isEmpty)
            all += try log.bytes(of: slice).array
            position = slice.endOffset
        }
        return all
    }

    func path(_ name: String) -> String { LogFixture.directory + "/" + name }

    var names: [String] {
        get throws { try disk.list(LogFixture.directory).map(\.name) }
    }
}

extension AppendOutcome {
    /// The range, where the batch was appended.
    var appended: AppendedRange? { if case .appended(let range) = self { range } else { nil } }
    var duplicate: AppendedRange? { if case .duplicate(let range) = self { range } else { nil } }
    var refusal: ErrorCode? { if case .refused(let code, _) = self { code } else { nil } }
}
