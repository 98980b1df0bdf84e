import HashTreeCollections
package import Primitives
import WireMessages

/// All registered brokers.
package struct BrokersImage: Hashable, Sendable {
    private var byID: TreeDictionary<BrokerID, BrokerRegistration> = [:]

    package init() {}

    package var count: Int { byID.count }

    package subscript(_ id: BrokerID) -> BrokerRegistration? { byID[id] }

    /// All brokers, ordered by id.
    package var sorted: [BrokerRegistration] { byID.values.sorted { $0.id < $1.id } }

    /// Whether a broker is registered, unfenced and not shutting down.
    package func isActive(_ id: BrokerID) -> Bool { byID[id]?.isActive ?? false }

    /// Whether a broker is registered and unfenced: clients can reach it.
    package func isUnfenced(_ id: BrokerID) -> Bool { byID[id].map { !$0.isFenced } ?? false }

    /// Whether a directory of a registered broker is in service, as far as is known: a replica that is not assigned to
    /// one yet is in one that works, and brokers that name no directories have one.
    package func isOnline(_ directory: DirectoryID, of id: BrokerID) -> Bool {
        guard let broker = byID[id], directory != .lostDirectory else { return false }
        if directory == .unassignedDirectory || directory == .migratingDirectory { return true }
        return broker.directories.isEmpty || broker.directories.contains(directory)
    }

    mutating func register(_ record: RegisterBrokerRecord) { byID[record.brokerID] = BrokerRegistration(record) }

    mutating func unregister(_ id: BrokerID, _ epoch: BrokerEpoch) throws(MetadataError) {
        _ = try registration(id, epoch)
        byID[id] = nil
    }

    mutating func setFenced(_ isFenced: Bool, _ id: BrokerID, _ epoch: BrokerEpoch) throws(MetadataError) {
        var broker = try registration(id, epoch)
        broker.isFenced = isFenced
        byID[id] = broker
    }

    mutating func change(_ record: BrokerRegistrationChangeRecord) throws(MetadataError) {
        var broker = try registration(record.brokerID, record.brokerEpoch)
        if record.fenced != 0 { broker.isFenced = record.fenced > 0 }
        if record.inControlledShutdown != 0 { broker.isInControlledShutdown = record.inControlledShutdown > 0 }
        if !record.logDirs.isEmpty { broker.directories = record.logDirs }
        byID[record.brokerID] = broker
    }

    private func registration(_ id: BrokerID, _ epoch: BrokerEpoch) throws(MetadataError) -> BrokerRegistration {
        guard let broker = byID[id] else { throw .unknownBroker(id) }
        guard broker.epoch == epoch else { throw .staleBrokerEpoch(id, epoch) }
        return broker
    }

    var records: [MetadataRecord] { sorted.map { .registerBroker($0.record) } }
}
