import Metadata
import Primitives
package import WireMessages

/// A wish for the finalized level of a feature.
package struct FeatureUpdate: Hashable, Sendable {
    /// In which direction the level may go (KIP-584, KIP-778).
    package enum Direction: Int8, Hashable, Sendable {
        case upgrade = 1
        /// Down, where nothing is lost by it.
        case safeDowngrade = 2
        /// Down, whatever is lost by it.
        case unsafeDowngrade = 3
    }

    package var name: String
    package var level: Int16
    /// Nil for a number that is none of Kafka's.
    package var direction: Direction?

    package init(name: String, level: Int16, direction: Direction?) {
        self.name = name
        self.level = level
        self.direction = direction
    }

    /// - Parameter version: of the request; version 0 knows one kind of downgrade.
    package init(_ key: UpdateFeaturesRequest.FeatureUpdateKey, version: Int16) {
        let direction =
            version == 0 ? (key.allowDowngrade ? .safeDowngrade : .upgrade) : Direction(rawValue: key.upgradeType)
        self.init(name: key.feature, level: key.maxVersionLevel, direction: direction)
    }
}

extension ClusterController {
    /// Changes finalized levels, all of them or none; nil when it is done.
    ///
    /// - Parameter kraftVersion: the level of `kraft.version` before the change. The quorum writes the new one, as it
    ///   knows the voters; here it is only checked, and gets a record to wait for.
    /// - Errors: INVALID_REQUEST for a feature that is named twice; INVALID_UPDATE_VERSION.
    package func updateFeatures(
        _ updates: [FeatureUpdate], kraftVersion: Int16 = 0, validateOnly: Bool
    ) -> Decision<Refusal?> {
        var records: [MetadataRecord] = []
        var seen: Set<String> = []
        do throws(Refusal) {
            for update in updates {
                guard seen.insert(update.name).inserted else {
                    throw Refusal(.invalidRequest, "Feature \(update.name) was specified more than once.")
                }
                records += try self.records(for: update, kraftVersion: kraftVersion)
            }
            try checkDependencies(updates)
        } catch {
            return Decision(reply: error)
        }
        return Decision(validateOnly ? [] : records, reply: nil)
    }

    /// What each update needs of the levels that all of them make.
    private func checkDependencies(_ updates: [FeatureUpdate]) throws(Refusal) {
        func level(_ name: String) -> Int16 {
            updates.first { $0.name == name }?.level ?? image.features[name] ?? 0
        }
        let (elr, needed) = (ClusterFeatures.eligibleLeaderReplicas, MetadataRecordFrame.eligibleReplicasLevel)
        guard level(elr) > 0, level(FeaturesImage.metadataVersionName) < needed else { return }
        throw Refusal(
            .invalidUpdateVersion,
            "Invalid update version \(level(elr)) for feature \(elr). \(elr) could not be set to \(level(elr)) because "
                + "it depends on \(FeaturesImage.metadataVersionName) level \(needed)")
    }

    /// Down from a level that brought records which the lower one can't read.
    private func refusalOfDowngrade(_ update: FeatureUpdate, present: Int16) -> Refusal? {
        guard update.name == FeaturesImage.metadataVersionName, update.level < present,
            present >= MetadataRecordFrame.eligibleReplicasLevel,
            update.level < MetadataRecordFrame.eligibleReplicasLevel
        else { return nil }
        let reason =
            update.direction == .unsafeDowngrade
            ? "Unsafe metadata downgrade is not supported in this version."
            : "Refusing to perform the requested downgrade because it might delete metadata information."
        return Refusal(
            .invalidUpdateVersion,
            "Unsupported metadata.version downgrade from \(present) to \(update.level). \(reason)")
    }

    private func records(for update: FeatureUpdate, kraftVersion: Int16) throws(Refusal) -> [MetadataRecord] {
        let isKraftVersion = update.name == ClusterFeatures.kraftVersionName
        let present = isKraftVersion ? kraftVersion : image.features[update.name] ?? 0
        if let complaint = complaint(about: update, present: present) {
            throw Refusal(
                .invalidUpdateVersion,
                "Invalid update version \(update.level) for feature \(update.name). \(complaint)")
        }
        if let refusal = refusalOfDowngrade(update, present: present) { throw refusal }
        // The quorum's record may not be committed yet, even where it stands in the log already.
        if isKraftVersion { return [.noOp(NoOpRecord())] }
        guard update.level != present else { return [] }
        var record = FeatureLevelRecord()
        record.name = update.name
        record.featureLevel = update.level
        guard update.name == ClusterFeatures.eligibleLeaderReplicas else { return [.featureLevel(record)] }
        return (update.level > 0 ? recordsBeforeELR() : [.clearElr(ClearElrRecord())]) + [.featureLevel(record)]
    }

    /// What is wrong with an update, in the order in which Kafka looks; nil if nothing is.
    private func complaint(about update: FeatureUpdate, present: Int16) -> String? {
        guard let direction = update.direction else { return "The controller does not support the given upgrade type." }
        guard update.level >= 0 else { return "A feature version cannot be less than 0." }
        if let reason = reasonNotSupported(update) { return reason }
        if update.level < present, direction == .upgrade {
            return "Can't downgrade the version of this feature without setting the upgrade type to either safe or "
                + "unsafe downgrade."
        }
        if update.level > present, direction != .upgrade { return "Can't downgrade to a newer version." }
        if update.level < present, update.name == ClusterFeatures.kraftVersionName {
            return "Can't downgrade the version of this feature."
        }
        if update.name == ClusterFeatures.eligibleLeaderReplicas, update.level == 0, let partition = partitionOnELROnly
        {
            return "Partition \(partition) has no in-sync replica: only its eligible leader replicas are known to hold "
                + "all that is committed."
        }
        return nil
    }

    private func reasonNotSupported(_ update: FeatureUpdate) -> String? {
        func reason(_ who: String, _ supported: [SupportedFeature]) -> String? {
            let levels = supported.first { $0.name == update.name }?.levels ?? 0...0
            if levels.contains(update.level) { return nil }
            return levels == 0...0
                ? "\(who) does not support this feature."
                : "\(who) only supports versions \(levels.lowerBound)-\(levels.upperBound)"
        }
        if let reason = reason("Local controller", ClusterFeatures.supported) { return reason }
        for broker in image.brokers.sorted {
            if let reason = reason("Broker \(broker.id)", broker.supportedFeatures) { return reason }
        }
        for controller in image.controllers.sorted {
            if let reason = reason("Controller \(controller.id)", controller.supportedFeatures) { return reason }
        }
        return nil
    }

    /// A partition without an in-sync replica, which has to be led by an eligible or last known one.
    private var partitionOnELROnly: String? {
        for topic in image.topics.sortedByID {
            if let index = topic.partitions.firstIndex(where: { $0.isr.isEmpty }) { return "\(topic.name)-\(index)" }
        }
        return nil
    }

    /// One `min.insync.replicas` for all brokers: see `decideClusterMinInSyncReplicas`.
    private func recordsBeforeELR() -> [MetadataRecord] {
        let ofBrokers = image.configs.resources.filter {
            $0.kind == .broker && !$0.name.isEmpty && image.configs[$0]["min.insync.replicas"] != nil
        }
        return decideClusterMinInSyncReplicas(willHaveELR: true)
            + ofBrokers.map { ConfigRecord.setting($0, "min.insync.replicas", to: nil) }
    }
}
