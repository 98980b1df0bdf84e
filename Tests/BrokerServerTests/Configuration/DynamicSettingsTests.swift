import Controller
import Logging
import Metadata
import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

@Suite struct DynamicSettingsTests {
    private let dynamic: DynamicSettings
    private let publisher = MetadataPublisher(cache: MetadataCache())

    init() throws {
        dynamic = DynamicSettings(
            try Settings(PropertiesFile(parsing: "log.retention.hours=24\nmax.connections=50")), node: BrokerID(3),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        publisher.subscribe(dynamic)
    }

    private func set(_ broker: String, _ key: String, _ value: String?) throws {
        var record = ConfigRecord()
        record.resourceType = 4
        record.resourceName = broker
        record.name = key
        record.value = value
        let base = publisher.image.provenance.end
        let batch = CommittedBatch(
            baseOffset: base, endOffset: base + 1, epoch: .zero, appendedAt: Timestamp(0),
            records: [MetadataRecordFrame.encode(.config(record))])
        try publisher.apply([batch])
    }

    @Test("a value for this broker goes before one for all, and that before the properties")
    func layers() throws {
        #expect(dynamic.current.milliseconds("log.retention.ms") == 86_400_000)
        try set("", "log.retention.ms", "1000")
        #expect(dynamic.current.milliseconds("log.retention.ms") == 1_000)
        try set("3", "log.retention.ms", "2000")
        #expect(dynamic.current.milliseconds("log.retention.ms") == 2_000)
        try set("4", "log.retention.ms", "9")
        #expect(dynamic.current.milliseconds("log.retention.ms") == 2_000)
        try set("3", "log.retention.ms", nil)
        try set("", "log.retention.ms", nil)
        #expect(dynamic.current == dynamic.fixed)
    }

    @Test("subscribers are told of what changed for this broker, and of nothing else")
    func subscribers() throws {
        let seen = Mutex<[Int64]>([])
        dynamic.subscribe { settings in seen.withLock { $0.append(settings.integer("max.connections")) } }
        try set("", "max.connections", "7")
        try set("2", "max.connections", "8")
        try set("", "max.connections", "7")
        try set("3", "max.connections", "9")
        #expect(seen.withLock { $0 } == [7, 9])
    }

    @Test(
        "what another release let in and this one can't use is ignored",
        arguments: [
            ("node.id", "5"), ("max.connections", "many"), ("no.such.key", "1"),
            ("unclean.leader.election.enable", "true"),
        ])
    func unusable(_ key: String, _ value: String) throws {
        try set("3", key, value)
        #expect(dynamic.current == dynamic.fixed)
    }

    @Test("what is said to act from the next start on acts, and can't be changed before")
    func nextStart() {
        for (name, _) in SettingTable.fromNextStart {
            let setting = SettingTable.byName[name]
            #expect(setting?.effect == .acts && setting?.change == .readOnly, "\(name)")
        }
    }

    @Test("only dynamic keys with valid values can be set, each where it means something")
    func checks() throws {
        let check = BrokerConfigCheck(try Settings(PropertiesFile(parsing: "")))
        #expect(check.refusal(of: ["max.connections": "5", "log.retention.ms": "-1"], isForOneBroker: false) == nil)
        let fixed = check.refusal(of: ["num.partitions": "5"], isForOneBroker: true)
        #expect(fixed == Refusal(.invalidRequest, "Cannot update these configs dynamically: Set(num.partitions)"))
        let later = check.refusal(of: ["listeners": "PLAINTEXT://:1"], isForOneBroker: true)
        #expect(
            later?.message?.hasSuffix(
                "Set(listeners). It acts here from the next start on: set listeners in the properties")
                == true)
        // Those of Kafka's threads that are made otherwise here: a change would do nothing, and says so.
        for key in ["background.threads", "num.recovery.threads.per.data.dir"] {
            #expect(check.refusal(of: [key: "4"], isForOneBroker: false) != nil)
        }
        let invalid = check.refusal(of: ["log.segment.bytes": "3"], isForOneBroker: false)
        #expect(invalid?.code == .invalidRequest)
        #expect(invalid?.message == "Invalid value 3 for configuration log.segment.bytes: Value must be at least 1024")
        #expect(check.refusal(of: ["unclean.leader.election.enable": "true"], isForOneBroker: true) != nil)
        #expect(check.refusal(of: ["cordoned.log.dirs": "/a"], isForOneBroker: false) != nil)
        #expect(check.refusal(of: ["foo": "1"], isForOneBroker: false)?.message == "Unknown broker config name: foo")
    }
}
