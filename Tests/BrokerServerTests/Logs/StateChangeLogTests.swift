import Logging
import Metadata
import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

@Suite("What changed in the cluster is said once, with its reason")
struct StateChangeLogTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        func take() -> [String] {
            lines.withLock { lines in
                defer { lines = [] }
                return lines
            }
        }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let because = event.metadata?["because"].map { ": \($0)" } ?? ""
            lines.add("\(event.message)\(because)")
        }
    }

    private static let topic = TopicID(high: 1, low: 2)

    private let lines = Lines()
    private let loop = ManualLoop()

    private func log(isActive: Bool = true) -> StateChangeLog {
        let lines = lines
        return StateChangeLog(log: Logger(label: "test") { _ in Handler(lines: lines) }, clock: loop) { isActive }
    }

    /// Brokers 1 to 3, let in, and a topic whose partitions all lie on them.
    private func image(partitions: Int32 = 1) throws -> MetadataImage {
        var image = MetadataImage()
        for id in 1...3 as ClosedRange<Int32> {
            var broker = RegisterBrokerRecord()
            broker.brokerID = BrokerID(id)
            broker.brokerEpoch = BrokerEpoch(Int64(id))
            broker.fenced = false
            try image.replay(.registerBroker(broker))
        }
        var topic = TopicRecord()
        topic.name = "orders"
        topic.topicID = Self.topic
        try image.replay(.topic(topic))
        for index in 0..<partitions {
            let partition = PartitionRegistration(
                replicas: [BrokerID(1), BrokerID(2), BrokerID(3)], isr: [BrokerID(1), BrokerID(2), BrokerID(3)],
                leader: BrokerID(1))
            try image.replay(.partition(partition.record(topic: Self.topic, index: PartitionIndex(index))))
        }
        image.provenance = MetadataImage.Provenance(end: Offset(10), epoch: LeaderEpoch(1))
        return image
    }

    private func fencing(of broker: Int32, moving partitions: Int32, to leader: Int32) -> [MetadataRecord] {
        var fencing = BrokerRegistrationChangeRecord()
        fencing.brokerID = BrokerID(broker)
        fencing.brokerEpoch = BrokerEpoch(Int64(broker))
        fencing.fenced = 1
        var records: [MetadataRecord] = [.brokerRegistrationChange(fencing)]
        for index in 0..<partitions {
            var change = PartitionChangeRecord()
            change.topicID = Self.topic
            change.partitionID = PartitionIndex(index)
            change.leader = BrokerID(leader)
            change.isr = [1, 2, 3].filter { $0 != broker }.map { BrokerID($0) }
            records.append(.partitionChange(change))
        }
        return records
    }

    private func publish(_ records: [MetadataRecord], on image: MetadataImage, to log: StateChangeLog) throws {
        var (next, delta) = (image, MetadataDelta())
        for record in records { try next.replay(record, noting: &delta) }
        log.metadataPublished(next, delta: delta)
    }

    @Test("A fenced leader: the election and the smaller set name it; the past says nothing")
    func saysWhy() throws {
        let (log, image) = (log(), try image())
        log.metadataPublished(image, delta: MetadataDelta(from: MetadataImage(), to: image))
        #expect(lines.take().isEmpty)
        try publish(fencing(of: 1, moving: 1, to: 2), on: image, to: log)
        #expect(lines.take() == ["leader elected: broker 1 is fenced", "ISR shrunk: broker 1 is fenced"])
    }

    @Test("A follower that its leader drops lags")
    func saysWhoLags() throws {
        let (log, image) = (log(), try image())
        log.metadataPublished(image, delta: MetadataDelta(from: MetadataImage(), to: image))
        var change = PartitionChangeRecord()
        change.topicID = Self.topic
        change.partitionID = PartitionIndex(0)
        change.isr = [BrokerID(1), BrokerID(2)]
        try publish([.partitionChange(change)], on: image, to: log)
        #expect(lines.take() == ["ISR shrunk: leader 1: 3 lags"])
    }

    @Test("A thousand partitions at once have a few lines and a number")
    func isBounded() throws {
        let (log, image) = (log(), try image(partitions: 1_000))
        log.metadataPublished(image, delta: MetadataDelta(from: MetadataImage(), to: image))
        try publish(fencing(of: 1, moving: 1_000, to: 2), on: image, to: log)
        #expect(lines.take().count == 2 * (StateChangeLog.linesMax + 1))
    }

    @Test("Only the active controller speaks; all count")
    func standbyIsSilent() throws {
        let (log, image) = (log(isActive: false), try image())
        log.metadataPublished(image, delta: MetadataDelta(from: MetadataImage(), to: image))
        try publish(fencing(of: 1, moving: 1, to: 2), on: image, to: log)
        #expect(lines.take().isEmpty)
        var page = MetricsPage()
        log.report(into: &page)
        let text = String(decoding: page.text(), as: UTF8.self)
        #expect(text.contains("kafka_controller_controllerstats_leaderelection_total 1\n"))
        #expect(text.contains("martlet_controller_brokers_fenced_total 1\n"))
    }
}
