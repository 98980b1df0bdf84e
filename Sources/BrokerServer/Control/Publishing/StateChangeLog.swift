package import Logging
package import Metadata
import Primitives
import Synchronization
package import World

/// Says, once, what changed in the cluster and why: leaders, in-sync sets, reassignments, brokers. The active
/// controller alone says it; all controllers count it.
///
/// `@unchecked Sendable`: the former image is touched on the control loop only; the rest is atomics.
package final class StateChangeLog: MetadataSubscriber, MetricsSource, @unchecked Sendable {
    /// Lines of one kind for one change of the metadata: a broker that dies moves thousands of partitions.
    static let linesMax = 16

    private let log: Logger
    private let clock: any Clock
    private let isActive: @Sendable () -> Bool
    private var former = MetadataImage()
    private var fencedSince: [BrokerID: MonotonicInstant] = [:]

    private let elections = Atomic<UInt64>(0)
    private let uncleanElections = Atomic<UInt64>(0)
    private let shrinks = Atomic<UInt64>(0)
    private let expands = Atomic<UInt64>(0)
    private let fencings = Atomic<UInt64>(0)

    /// - Parameter isActive: whether this node is the active controller; asked on the control loop.
    package init(log: Logger, clock: any Clock, isActive: @escaping @Sendable () -> Bool) {
        self.log = log
        self.clock = clock
        self.isActive = isActive
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        // A start applies the whole past at once: nothing of it happens now.
        let isPast = former.provenance.end == .zero
        defer { former = image }
        if isPast { return }
        var lines = StateChangeLines(log: log, isSaid: isActive())
        for id in delta.changedBrokers { brokerChanged(id, image, &lines) }
        for id in delta.changedPartitions { partitionChanged(id, image, &lines) }
        lines.finish()
    }

    package func report(into page: inout MetricsPage) {
        let prefix = "kafka_controller_controllerstats_"
        page.counter(
            prefix + "leaderelection_total", "Partitions that got another leader.", elections.load(ordering: .relaxed))
        page.counter(
            prefix + "uncleanleaderelections_total", "Partitions that got a leader which was not in sync.",
            uncleanElections.load(ordering: .relaxed))
        page.counter(
            "martlet_controller_isr_shrinks_total", "Partitions whose in-sync set lost a replica.",
            shrinks.load(ordering: .relaxed))
        page.counter(
            "martlet_controller_isr_expands_total", "Partitions whose in-sync set got a replica.",
            expands.load(ordering: .relaxed))
        page.counter(
            "martlet_controller_brokers_fenced_total", "How often a broker was fenced.",
            fencings.load(ordering: .relaxed))
    }

    // MARK: brokers

    private func brokerChanged(_ id: BrokerID, _ image: MetadataImage, _ lines: inout StateChangeLines) {
        let (old, new) = (former.brokers[id], image.brokers[id])
        guard let new else {
            fencedSince[id] = nil
            return lines.say("broker unregistered", ["broker": "\(id)"])
        }
        if old?.epoch != new.epoch {
            lines.say("broker registered", ["broker": "\(id)", "epoch": "\(new.epoch)"])
        }
        let wasFenced = old?.isFenced ?? true
        if new.isFenced, !wasFenced {
            fencings.wrappingAdd(1, ordering: .relaxed)
            fencedSince[id] = clock.now
        } else if !new.isFenced, wasFenced {
            var fields: Logger.Metadata = ["broker": "\(id)", "epoch": "\(new.epoch)"]
            if let since = fencedSince.removeValue(forKey: id) {
                fields["fencedForMilliseconds"] = "\(clock.now.milliseconds(since: since))"
            }
            lines.say("broker let in", fields)
        }
        if new.isInControlledShutdown, old?.isInControlledShutdown == false {
            lines.say("broker shuts down in order", ["broker": "\(id)"])
        }
    }

    // MARK: partitions

    private func partitionChanged(
        _ id: TopicPartitionID, _ image: MetadataImage, _ lines: inout StateChangeLines
    ) {
        guard let topic = image.topics[id.topic], let new = topic[id.index], let old = former.topics[id] else {
            return
        }
        let name: Logger.Metadata = ["partition": "\(topic.name)-\(id.index)"]
        if new.leader != old.leader { leaderChanged(old, new, image, name, &lines) }
        inSyncChanged(old, new, image, name, &lines)
        if new.isReassigning, !old.isReassigning {
            lines.say(
                "reassignment begun",
                name.merging(
                    ["adding": "\(Self.list(new.addingReplicas))", "removing": "\(Self.list(new.removingReplicas))"]
                ) { $1 })
        } else if !new.isReassigning, old.isReassigning {
            let isDone =
                old.addingReplicas.allSatisfy(new.replicas.contains)
                && !old.removingReplicas.contains(where: new.replicas.contains)
            lines.say(
                isDone ? "reassignment done" : "reassignment called off",
                name.merging(["replicas": "\(Self.list(new.replicas))"]) { $1 })
        }
    }

    private func leaderChanged(
        _ old: PartitionRegistration, _ new: PartitionRegistration, _ image: MetadataImage, _ name: Logger.Metadata,
        _ lines: inout StateChangeLines
    ) {
        let from = old.leader.map { "\($0)" } ?? "none"
        var fields = name.merging(
            ["from": "\(from)", "epoch": "\(new.leaderEpoch)", "isr": "\(Self.list(new.isr))"]) { $1 }
        guard let leader = new.leader else {
            fields["because"] = "\(absence(of: old.leader, image) ?? "no replica may lead")"
            return lines.say("partition without a leader", fields)
        }
        elections.wrappingAdd(1, ordering: .relaxed)
        let wasEligible = old.isr.contains(leader) || old.eligibleLeaderReplicas.contains(leader)
        let isUnclean = !wasEligible && new.recoveryState == .recovering
        if isUnclean { uncleanElections.wrappingAdd(1, ordering: .relaxed) }
        fields["leader"] = "\(leader)"
        fields["because"] = "\(reason(of: old, new, image, isUnclean: isUnclean))"
        lines.say("leader elected", fields)
    }

    private func reason(
        of old: PartitionRegistration, _ new: PartitionRegistration, _ image: MetadataImage, isUnclean: Bool
    ) -> String {
        if isUnclean { return "no replica in sync was left, and an unclean election is allowed" }
        if let absence = absence(of: old.leader, image) { return absence }
        if old.leader == nil { return "a replica that may lead is back" }
        if let leader = old.leader, !new.replicas.contains(leader) { return "the former leader is moved away" }
        if new.leader == new.replicas.first { return "it is the preferred leader" }
        return "the former leader asked for it or lost its log directory"
    }

    private func inSyncChanged(
        _ old: PartitionRegistration, _ new: PartitionRegistration, _ image: MetadataImage, _ name: Logger.Metadata,
        _ lines: inout StateChangeLines
    ) {
        let lost = old.isr.filter { !new.isr.contains($0) }
        let gained = new.isr.filter { !old.isr.contains($0) }
        let sets: Logger.Metadata = ["from": "\(Self.list(old.isr))", "to": "\(Self.list(new.isr))"]
        if !lost.isEmpty {
            shrinks.wrappingAdd(1, ordering: .relaxed)
            let reasons = lost.map { broker in
                if !new.replicas.contains(broker) { return "the replica of broker \(broker) is moved away" }
                return absence(of: broker, image) ?? "leader \(Self.name(old.leader)): \(broker) lags"
            }
            let because = Array(Set(reasons)).sorted().joined(separator: "; ")
            lines.say("ISR shrunk", name.merging(sets) { $1 }.merging(["because": "\(because)"]) { $1 })
        }
        if !gained.isEmpty {
            expands.wrappingAdd(1, ordering: .relaxed)
            lines.say("ISR expanded", name.merging(sets) { $1 })
        }
    }

    /// Why a broker can't have a part in anything now; nil where it could.
    private func absence(of broker: BrokerID?, _ image: MetadataImage) -> String? {
        guard let broker else { return nil }
        guard let registration = image.brokers[broker] else { return "broker \(broker) is not registered" }
        if registration.isFenced { return "broker \(broker) is fenced" }
        if registration.isInControlledShutdown { return "broker \(broker) shuts down" }
        let restarted = former.brokers[broker].map { $0.epoch != registration.epoch } ?? false
        return restarted ? "broker \(broker) restarted" : nil
    }

    private static func name(_ broker: BrokerID?) -> String { broker.map { "\($0)" } ?? "none" }

    private static func list(_ brokers: [BrokerID]) -> String {
        "[" + brokers.map { "\($0)" }.joined(separator: ",") + "]"
    }
}

/// The lines of one change of the metadata: the first of each kind at INFO, all at DEBUG, and how many there were.
private struct StateChangeLines {
    private let log: Logger
    private let isSaid: Bool
    private var counts: [String: Int] = [:]

    init(log: Logger, isSaid: Bool) {
        self.log = log
        self.isSaid = isSaid
    }

    mutating func say(_ what: String, _ fields: @autoclosure () -> Logger.Metadata) {
        guard isSaid else { return }
        let count = counts[what, default: 0] + 1
        counts[what] = count
        if count <= StateChangeLog.linesMax {
            log.info("\(what)", metadata: fields())
        } else {
            log.debug("\(what)", metadata: fields())
        }
    }

    func finish() {
        for (what, count) in counts.sorted(by: { $0.key < $1.key }) where count > StateChangeLog.linesMax {
            log.info("\(what), and more of the same", metadata: ["more": "\(count - StateChangeLog.linesMax)"])
        }
    }
}
