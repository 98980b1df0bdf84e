/// The timers of the quorum. They decide only how soon something happens, never whether it is safe.
package struct QuorumSettings: Hashable, Sendable {
    /// How long a follower waits for its leader's answer before it looks for another
    /// (`controller.quorum.fetch.timeout.ms`). A leader that a majority did not fetch from for as long resigns, so it
    /// steps down no later than the others can replace it. Who is held up itself waits longer (`OwnStalls`).
    package var fetchTimeoutMilliseconds: Int64
    /// The least time between two elections of one node; each draws from once to twice as much
    /// (`controller.quorum.election.timeout.ms`).
    package var electionTimeoutMilliseconds: Int64
    /// The longest random wait after a lost election (`controller.quorum.election.backoff.max.ms`).
    package var electionBackoffMaxMilliseconds: Int64
    /// The wait before a failed request is sent again (`controller.quorum.retry.backoff.ms`).
    package var retryBackoffMilliseconds: Int64
    /// Where to ask for the leader beside the known voters (`controller.quorum.bootstrap.servers`).
    package var bootstrap: [QuorumAddress] = []
    /// Whether a replica without a vote asks for one when it has caught up (`controller.quorum.auto.join.enable`).
    package var joinsByItself = false

    package init(
        fetchTimeoutMilliseconds: Int64 = 600, electionTimeoutMilliseconds: Int64 = 300,
        electionBackoffMaxMilliseconds: Int64 = 200, retryBackoffMilliseconds: Int64 = 20
    ) {
        self.fetchTimeoutMilliseconds = max(fetchTimeoutMilliseconds, 1)
        self.electionTimeoutMilliseconds = max(electionTimeoutMilliseconds, 1)
        self.electionBackoffMaxMilliseconds = max(electionBackoffMaxMilliseconds, 1)
        self.retryBackoffMilliseconds = max(retryBackoffMilliseconds, 1)
    }

    /// The default of `controller.quorum.fetch.timeout.ms` in Kafka.
    private static let kafkaFetchTimeoutMilliseconds: Int64 = 2_000

    /// The same toward replicas of another make: no less than Kafka's default.
    package var fetchTimeoutMillisecondsOfOthers: Int64 {
        max(fetchTimeoutMilliseconds, QuorumSettings.kafkaFetchTimeoutMilliseconds)
    }

    /// How long a leader may hold a fetch that has nothing to bring: short enough that a waiting follower never looks
    /// silent, neither to the leader nor to itself.
    package var fetchWaitMilliseconds: Int64 { max(fetchTimeoutMilliseconds / 3, 1) }
}
