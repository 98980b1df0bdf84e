import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite struct SettingDriftTests {
    private func cluster(_ settings: [Int32: [String: String]?]) -> Cluster {
        var cluster = Cluster()
        for (id, settings) in settings.sorted(by: { $0.key < $1.key }) {
            var request = Cluster.registration(id)
            request.settings = settings?.map { name, value in
                var setting = BrokerRegistrationRequest.Setting()
                setting.name = name
                setting.value = value
                return setting
            }
            cluster.register(request)
            cluster.heartbeat(id)
        }
        return cluster
    }

    @Test("brokers that are alike, and those that tell nothing, are no drift")
    func alike() {
        let same = ["num.partitions": "3"]
        #expect(cluster([1: same, 2: same, 3: nil]).controller.settingDrifts().isEmpty)
        #expect(cluster([1: [:], 2: [:]]).controller.settingDrifts().isEmpty)
    }

    @Test("a difference is told with each value and the brokers that have it; a default counts")
    func different() {
        let cluster = cluster([1: ["num.partitions": "3"], 2: [:], 3: ["num.partitions": "3"]])
        let drifts = cluster.controller.settingDrifts()
        #expect(drifts.map(\.key) == ["num.partitions"])
        #expect(drifts[0].shares.map(\.value) == ["3", nil])
        #expect(drifts[0].shares.map { $0.brokers.map(\.value) } == [[1, 3], [2]])
    }

    @Test("min.insync.replicas in the properties is told where the cluster has another one")
    func minimum() {
        // The cluster began with 1.
        let same = ["min.insync.replicas": "2"]
        let drifts = cluster([1: same, 2: same]).controller.settingDrifts()
        #expect(drifts.map(\.key) == ["min.insync.replicas"])
        #expect(drifts[0].overriddenBy == "1")
    }

    @Test("what is set for all brokers at run time hides the difference of the rest")
    func overridden() {
        var cluster = cluster([1: ["log.retention.ms": "3"], 2: [:]])
        #expect(cluster.controller.settingDrifts().count == 1)
        var record = ConfigRecord()
        record.resourceType = 4
        record.name = "log.retention.ms"
        record.value = "5"
        cluster.commit(Decision([.config(record)], reply: ()))
        #expect(cluster.controller.settingDrifts().isEmpty)
    }

    @Test("the settings that brokers told outlive a snapshot")
    func snapshot() throws {
        let image = cluster([1: ["num.partitions": "3"], 2: nil]).image
        let read = try MetadataImage(records: image.snapshotRecords, provenance: image.provenance)
        #expect(read.brokers[BrokerID(1)]?.settings == ["num.partitions": "3"])
        #expect(read.brokers[BrokerID(2)]?.settings == nil)
    }
}
