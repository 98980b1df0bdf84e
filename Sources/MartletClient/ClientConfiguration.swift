/// How a client finds its cluster, and how long it waits for it.
public struct ClientConfiguration: Hashable, Sendable {
    /// `host:port`, comma separated; one that answers is enough.
    public var bootstrapServers: String
    /// The addresses are those of controllers (`bootstrap.controllers`): only what controllers answer can be asked.
    public var usesControllers = false
    /// The name under which brokers know this client in logs and groups.
    public var clientID: String
    /// Time for one request to be answered.
    public var requestTimeoutMilliseconds: Int64 = 30_000
    /// Time for a whole call, with all its attempts.
    public var callTimeoutMilliseconds: Int64 = 60_000
    /// Time for a connection to be made.
    public var connectTimeoutMilliseconds: Int64 = 5_000
    /// Time for which the client goes on trying when none of the bootstrap servers can be reached.
    public var bootstrapTimeoutMilliseconds: Int64 = 5_000
    /// Age after which what is known of the cluster is asked for again.
    public var metadataAgeMillisecondsMax: Int64 = 300_000

    public init(bootstrapServers: String, clientID: String = "martlet") {
        self.bootstrapServers = bootstrapServers
        self.clientID = clientID
    }
}
