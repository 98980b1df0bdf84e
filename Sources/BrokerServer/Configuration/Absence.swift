/// Why a key of Kafka does not act here.
package enum Absence: Hashable, Sendable {
    case accessControl
    case authentication
    case encryption
    case delegationTokens
    case quotas
    case twoPhaseCommit
    case shareGroups
    case streamsGroups
    case tieredStorage
    case clientTelemetry
    case zooKeeper
    /// It names a Java class; there is no Java here.
    case javaClass
    /// It tunes a part of Kafka that is made otherwise here; says how.
    case design(String)
    /// Kafka itself has dropped it; says since when and what took its place.
    case droppedByKafka(String)

    /// The end of the sentence "KEY …".
    package var sentence: String {
        switch self {
        case .accessControl: "access control is not built yet"
        case .authentication: "SASL is not built yet; use PLAINTEXT listeners"
        case .encryption: "TLS is not built yet; use PLAINTEXT listeners"
        case .delegationTokens: "delegation tokens are not built yet"
        case .quotas: "quotas of clients are not built yet"
        case .twoPhaseCommit: "the two-phase commit of KIP-939 is not built yet"
        case .shareGroups: "share groups are not built yet"
        case .streamsGroups: "streams groups are not built yet"
        case .tieredStorage: "tiered storage is not built yet"
        case .clientTelemetry: "client telemetry is not built yet"
        case .zooKeeper:
            "ZooKeeper mode has gone, as in Kafka 4.0; give process.roles, node.id and controller.quorum.voters"
        case .javaClass: "it names a Java class, and there is no Java here"
        case .design(let how): how
        case .droppedByKafka(let what): what
        }
    }
}
