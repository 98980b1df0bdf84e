package import Primitives
package import Quorum
import World

/// All that a node has to know to take part in the quorum.
package struct QuorumSetup: Sendable {
    package var nodeID: BrokerID
    /// The id of the metadata log's directory, from its `meta.properties`.
    package var directoryID: DirectoryID
    package var clusterID: String?
    /// The static voters; none where they are dynamic.
    package var voters: [VoterAddress]
    /// Where this node listens as a controller, the default listener first; none on a broker.
    package var endpoints: [VoterEndpoint] = []
    /// The name of the listener that the voters' addresses belong to.
    package var controllerListenerName: String
    package var settings: QuorumSettings
    package var requestTimeoutMilliseconds: Int64
    /// The directory in which `__cluster_metadata-0` lies.
    package var logDirectory: String
    package var segmentBytes: Int64
    /// The most bytes of the log, or of a snapshot, that one answer may bring.
    package var fetchBytesMax: Int32 = 8 << 20
    package var snapshotFetchBytesMax: Int32 = 8 << 20
    /// A snapshot is written after so many bytes of committed records…
    package var snapshotBytes: Int64
    /// …or after so long, when anything was committed; 0 for never.
    package var snapshotIntervalMilliseconds: Int64

    /// What a node's configuration says.
    package init(_ configuration: NodeConfiguration, directoryID: DirectoryID, clusterID: String?) {
        let settings = configuration.settings
        nodeID = configuration.nodeID
        self.directoryID = directoryID
        self.clusterID = clusterID
        voters = configuration.voters
        endpoints = configuration.controllerEndpoints.map {
            VoterEndpoint(listenerName: $0.name, host: $0.endpoint.host, port: UInt16(clamping: $0.endpoint.port))
        }
        controllerListenerName = configuration.controllerListenerNames.first ?? "CONTROLLER"
        self.settings = QuorumSettings(
            fetchTimeoutMilliseconds: settings.integer("controller.quorum.fetch.timeout.ms"),
            electionTimeoutMilliseconds: settings.integer("controller.quorum.election.timeout.ms"),
            retryBackoffMilliseconds: settings.integer("controller.quorum.retry.backoff.ms"))
        self.settings.bootstrap = configuration.bootstrapServers.map {
            QuorumAddress(host: $0.host, port: UInt16(clamping: $0.port))
        }
        self.settings.joinsByItself =
            configuration.isController && settings.boolean("controller.quorum.auto.join.enable")
        requestTimeoutMilliseconds = settings.integer("controller.quorum.request.timeout.ms")
        logDirectory = configuration.metadataLogDirectory
        segmentBytes = settings.integer("metadata.log.segment.bytes")
        fetchBytesMax = Int32(clamping: settings.integer("controller.quorum.fetch.max.bytes"))
        snapshotFetchBytesMax = Int32(clamping: settings.integer("controller.quorum.fetch.snapshot.max.bytes"))
        snapshotBytes = settings.integer("metadata.log.max.record.bytes.between.snapshots")
        snapshotIntervalMilliseconds = settings.integer("metadata.log.max.snapshot.interval.ms")
    }

    /// A quorum for tests: the defaults of everything that has one.
    package init(nodeID: BrokerID, directoryID: DirectoryID, voters: [VoterAddress], logDirectory: String) {
        self.nodeID = nodeID
        self.directoryID = directoryID
        self.voters = voters
        self.logDirectory = logDirectory
        controllerListenerName = "CONTROLLER"
        settings = QuorumSettings()
        requestTimeoutMilliseconds = 1_000
        segmentBytes = 1 << 30
        snapshotBytes = 20 << 20
        snapshotIntervalMilliseconds = 3_600_000
    }

    /// This node as a voter.
    var own: Voter { Voter(key: ReplicaKey(id: nodeID, directoryID: directoryID), endpoints: endpoints) }
}
