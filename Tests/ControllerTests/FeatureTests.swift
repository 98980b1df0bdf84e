import Controller
import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Features")
struct FeatureTests {
    private static let metadataVersion = "metadata.version"
    private static let elr = "eligible.leader.replicas.version"

    private func update(
        _ cluster: inout Cluster, _ name: String, _ level: Int16, _ direction: FeatureUpdate.Direction? = .upgrade,
        validateOnly: Bool = false
    ) -> Refusal? {
        let update = FeatureUpdate(name: name, level: level, direction: direction)
        return cluster.commit(cluster.controller.updateFeatures([update], validateOnly: validateOnly))
    }

    @Test("metadata.version goes down to where partitions got their eligible replicas, and up again")
    func metadataVersionDownAndUp() {
        var cluster = Cluster(brokers: [1, 2])
        #expect(update(&cluster, FeatureTests.metadataVersion, 23, .safeDowngrade) == nil)
        #expect(cluster.image.features.metadataVersion == 23)
        #expect(update(&cluster, FeatureTests.metadataVersion, 28) == nil)
        #expect(cluster.image.features.metadataVersion == 28)
        #expect(update(&cluster, FeatureTests.metadataVersion, 27, .unsafeDowngrade) == nil)
        #expect(cluster.image.features.metadataVersion == 27)
        // The level that it has is no change, in whatever direction.
        let decision = cluster.controller.updateFeatures(
            [FeatureUpdate(name: FeatureTests.metadataVersion, level: 27, direction: .safeDowngrade)],
            validateOnly: false)
        #expect(decision.reply == nil && decision.records.isEmpty)
    }

    @Test(
        "What a feature can't be set to is refused, in Kafka's words",
        arguments: [
            (metadataVersion, 30, FeatureUpdate.Direction.upgrade, "Local controller only supports versions 22-29"),
            (metadataVersion, 21, .unsafeDowngrade, "Local controller only supports versions 22-29"),
            (metadataVersion, -1, .upgrade, "A feature version cannot be less than 0."),
            (
                metadataVersion, 25, .upgrade,
                "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe "
                    + "downgrade."
            ),
            ("group.version", 2, .upgrade, "Local controller only supports versions 0-1"),
            ("no.such.feature", 1, .upgrade, "Local controller does not support this feature."),
            (elr, 2, .upgrade, "Local controller only supports versions 0-1"),
        ])
    func refused(name: String, level: Int16, direction: FeatureUpdate.Direction, reason: String) {
        var cluster = Cluster(brokers: [1])
        let before = cluster.image.features
        let refusal = update(&cluster, name, level, direction)
        #expect(refusal?.code == .invalidUpdateVersion)
        #expect(refusal?.message == "Invalid update version \(level) for feature \(name). \(reason)")
        #expect(cluster.image.features == before)
    }

    @Test("A downgrade can't go up, and a direction must be one of Kafka's")
    func directions() {
        var cluster = Cluster(brokers: [1])
        _ = update(&cluster, FeatureTests.metadataVersion, 24, .safeDowngrade)
        #expect(
            update(&cluster, FeatureTests.metadataVersion, 26, .safeDowngrade)?.message?
                .hasSuffix("Can't downgrade to a newer version.") == true)
        #expect(
            update(&cluster, FeatureTests.metadataVersion, 26, nil)?.message?
                .hasSuffix("The controller does not support the given upgrade type.") == true)
    }

    @Test("A level that some node does not know is refused, fenced nodes included")
    func unsupportedSomewhere() {
        var cluster = Cluster(brokers: [1])
        _ = update(&cluster, FeatureTests.metadataVersion, 25, .safeDowngrade)
        var old = Cluster.registration(2)
        for index in old.features.indices where old.features[index].name == FeatureTests.metadataVersion {
            old.features[index].maxSupportedVersion = 26
        }
        cluster.register(old)
        #expect(
            update(&cluster, FeatureTests.metadataVersion, 29)?.message
                == "Invalid update version 29 for feature metadata.version. Broker 2 only supports versions 22-26")
        #expect(update(&cluster, FeatureTests.metadataVersion, 26) == nil)
        // And such a node is not let in above its level.
        cluster.commit(cluster.controller.unregisterBroker(BrokerID(2)))
        #expect(update(&cluster, FeatureTests.metadataVersion, 29) == nil)
        #expect(cluster.register(old).errorCode == .unsupportedVersion)
    }

    @Test("All updates of a request are made, or none")
    func allOrNone() {
        var cluster = Cluster(brokers: [1])
        let before = cluster.image.features
        let good = FeatureUpdate(name: FeatureTests.metadataVersion, level: 24, direction: .safeDowngrade)
        let bad = FeatureUpdate(name: "share.version", level: 1, direction: .upgrade)
        #expect(cluster.commit(cluster.controller.updateFeatures([good, bad], validateOnly: false)) != nil)
        #expect(cluster.image.features == before)
        #expect(
            cluster.commit(cluster.controller.updateFeatures([good, good], validateOnly: false))?.code
                == .invalidRequest)
        #expect(cluster.commit(cluster.controller.updateFeatures([good], validateOnly: true)) == nil)
        #expect(cluster.image.features == before)
    }

    @Test("kraft.version is checked here and written by the quorum: one record waits for it, and it never goes down")
    func kraftVersion() {
        var cluster = Cluster(brokers: [1])
        func decide(_ level: Int16, _ direction: FeatureUpdate.Direction, at present: Int16) -> Decision<Refusal?> {
            let update = FeatureUpdate(name: ClusterFeatures.kraftVersionName, level: level, direction: direction)
            return cluster.controller.updateFeatures([update], kraftVersion: present, validateOnly: false)
        }
        for present: Int16 in 0...1 {
            let decision = decide(1, .upgrade, at: present)
            #expect(decision.reply == nil && decision.records == [.noOp(NoOpRecord())])
        }
        #expect(decide(2, .upgrade, at: 0).reply?.message?.hasSuffix("only supports versions 0-1") == true)
        for direction in [FeatureUpdate.Direction.safeDowngrade, .unsafeDowngrade] {
            let refusal = decide(0, direction, at: 1).reply
            #expect(refusal?.code == .invalidUpdateVersion)
            #expect(refusal?.message?.hasSuffix("Can't downgrade the version of this feature.") == true)
        }
        var old = Cluster.registration(2)
        old.features.removeAll { $0.name == ClusterFeatures.kraftVersionName }
        cluster.register(old)
        #expect(decide(1, .upgrade, at: 0).reply?.message?.hasSuffix("does not support this feature.") == true)
    }

    @Test("Version 0 of the request knows one kind of downgrade")
    func versionZero() {
        var key = UpdateFeaturesRequest.FeatureUpdateKey()
        key.feature = FeatureTests.elr
        #expect(FeatureUpdate(key, version: 0).direction == .upgrade)
        key.allowDowngrade = true
        #expect(FeatureUpdate(key, version: 0).direction == .safeDowngrade)
        key.upgradeType = 3
        #expect(FeatureUpdate(key, version: 1).direction == .unsafeDowngrade)
        key.upgradeType = 4
        #expect(FeatureUpdate(key, version: 2).direction == nil)
    }

    @Test("The step from 22 to 23 is never taken back, and eligible leader replicas need it")
    func eligibleReplicasLevel() {
        var cluster = Cluster(brokers: [1])
        let words = [
            (FeatureUpdate.Direction.safeDowngrade, "Refusing to perform the requested downgrade because it might"),
            (.unsafeDowngrade, "Unsafe metadata downgrade is not supported in this version."),
        ]
        for (direction, reason) in words {
            let refusal = update(&cluster, FeatureTests.metadataVersion, 22, direction)
            #expect(refusal?.code == .invalidUpdateVersion)
            #expect(
                refusal?.message?.hasPrefix("Unsupported metadata.version downgrade from 29 to 22. \(reason)") == true)
        }
        var old = Cluster(brokers: [1]) {
            $0.bootstrapFeatures = [BootstrapFeature(name: "metadata.version", level: 22)]
        }
        #expect(
            update(&old, FeatureTests.elr, 1)?.message?.hasSuffix("it depends on metadata.version level 23") == true)
        let both = [FeatureTests.elr: Int16(1), FeatureTests.metadataVersion: 23].map {
            FeatureUpdate(name: $0.key, level: $0.value, direction: .upgrade)
        }
        #expect(old.commit(old.controller.updateFeatures(both, validateOnly: false)) == nil)
        #expect(old.image.features.metadataVersion == 23 && old.image.features[FeatureTests.elr] == 1)
    }

    // MARK: eligible.leader.replicas.version

    @Test("Without eligible leader replicas the last member stays in the ISR, and leads when it is back")
    func lastMemberStays() throws {
        var cluster = Cluster(brokers: [1, 2])
        #expect(update(&cluster, FeatureTests.elr, 0, .safeDowngrade) == nil)
        #expect(cluster.image.features[FeatureTests.elr] == nil)
        cluster.createTopic("t", replicas: 2, configs: [("min.insync.replicas", "2")])
        cluster.fence(1)
        #expect(try cluster.partition().isrNumbers == [2])
        #expect(try cluster.partition().elrNumbers == [])
        cluster.fence(2)
        let dark = try cluster.partition()
        #expect(dark.leader == nil && dark.isrNumbers == [2] && dark.elrNumbers == [] && dark.lastKnownELR.isEmpty)
        cluster.heartbeat(1)
        #expect(try cluster.partition().leader == nil)
        cluster.heartbeat(2)
        let back = try cluster.partition()
        #expect(back.leader == BrokerID(2) && back.isrNumbers == [2])
    }

    @Test("Switching eligible leader replicas off clears them; on again it makes min.insync.replicas one for all")
    func switchedOffAndOn() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2, configs: [("min.insync.replicas", "2")])
        cluster.fence(2)
        #expect(try cluster.partition().elrNumbers == [2])
        #expect(update(&cluster, FeatureTests.elr, 0, .safeDowngrade) == nil)
        #expect(try cluster.partition().elrNumbers == [])
        var own = ConfigRecord()
        own.resourceType = ConfigResource.Kind.broker.value
        own.resourceName = "1"
        own.name = "min.insync.replicas"
        own.value = "2"
        cluster.controller.replay(.config(own))
        own.resourceName = ""
        own.value = nil
        cluster.controller.replay(.config(own))
        #expect(update(&cluster, FeatureTests.elr, 1) == nil)
        #expect(cluster.image.configs[ConfigResource(.broker, "1")].isEmpty)
        #expect(cluster.image.configs[.allBrokers]["min.insync.replicas"] == "1")
    }

    @Test("They can't be switched off while nothing else says who holds what is committed")
    func neededStill() throws {
        var cluster = Cluster(brokers: [1, 2])
        cluster.createTopic("t", replicas: 2)
        cluster.fence(1)
        cluster.fence(2)
        #expect(try cluster.partition().isrNumbers == [])
        for direction in [FeatureUpdate.Direction.safeDowngrade, .unsafeDowngrade] {
            let refusal = update(&cluster, FeatureTests.elr, 0, direction)
            #expect(refusal?.code == .invalidUpdateVersion)
            #expect(refusal?.message?.contains("Partition t-0 has no in-sync replica") == true)
        }
        cluster.heartbeat(2)
        #expect(update(&cluster, FeatureTests.elr, 0, .safeDowngrade) == nil)
        #expect(try cluster.partition().leader == BrokerID(2))
    }
}
