package import Metadata
package import Primitives

/// Who this process is to the controller. Fixed for the life of the process.
package struct BrokerIdentity: Hashable, Sendable {
    package let id: BrokerID
    package let clusterID: String
    /// Drawn at start: two lives of a broker never share it.
    package let incarnationID: UUID128
    /// What clients and other nodes are told, with the ports that were really bound.
    package let listeners: [RegisteredListener]
    package let rack: String?
    /// The ids of the log directories whose locks this process holds.
    package let directories: [DirectoryID]
    /// The epoch of the life before, if that one ended clean in every directory.
    package let cleanlyEndedEpoch: BrokerEpoch?
    /// The settings that the controller compares among brokers (`SharedSettings`).
    package let settings: [String: String]

    package init(
        id: BrokerID, clusterID: String, incarnationID: UUID128, listeners: [RegisteredListener], rack: String?,
        directories: [DirectoryID], cleanlyEndedEpoch: BrokerEpoch?, settings: [String: String] = [:]
    ) {
        self.id = id
        self.clusterID = clusterID
        self.incarnationID = incarnationID
        self.listeners = listeners
        self.rack = rack
        self.directories = directories
        self.cleanlyEndedEpoch = cleanlyEndedEpoch
        self.settings = settings
    }
}
