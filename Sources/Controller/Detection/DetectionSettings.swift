package import Primitives

/// The thresholds of failure detection. They decide only how soon leadership moves, never whether that is safe.
package struct DetectionSettings: Hashable, Sendable {
    /// The node that the controller runs on: what its own broker sees is no second witness.
    package var ownNode: BrokerID?
    /// How often brokers are expected to be heard (`broker.heartbeat.interval.ms`).
    package var heartbeatMilliseconds: Int64 = 100
    /// The least silence for which a broker is fenced by rule R2 (`broker.silence.timeout.ms`); 0 switches it off.
    package var silenceMilliseconds: Int64 = 600
    /// How many of its usual intervals a broker must be silent (`broker.silence.intervals`).
    package var silenceIntervals: Int64 = 8
    /// A node whose loop was held up by as much lately is no judge of others (`broker.silence.own.lag.ms`).
    package var lagMillisecondsMax: Int64 = 100
    /// … but a broker is a witness again when its loop was well for as long: time for three questions that nobody
    /// answers, all of them asked since.
    package var witnessWellMilliseconds: Int64 = 1_000
    /// At most so many brokers are fenced by R2 (`broker.silence.fences.max`) …
    package var fencesMax = 2
    /// … in this time (`broker.silence.fences.window.ms`).
    package var fencesWindowMilliseconds: Int64 = 10_000
    /// How long a leader's followers fail to fetch before it loses its leaderships by rule R4
    /// (`leader.unfetchable.timeout.ms`); 0 switches the rule off.
    package var unfetchableMilliseconds: Int64 = 1_000
    /// A disk whose flushes take longer, at the 99th percentile, is gray (`leader.slow.flush.ms`); 0 switches rule R5
    /// off.
    package var slowFlushMilliseconds: Int64 = 1_000
    /// How long it must be so (`leader.slow.flush.duration.ms`).
    package var slowFlushLastingMilliseconds: Int64 = 3_000
    /// How long a broker that was suspected leads nothing that another can lead, doubled each time
    /// (`leader.hold.down.ms`).
    package var holdDownMilliseconds: Int64 = 5_000

    package init() {}
}

/// The rule by which a broker lost its place.
package enum DetectionRule: String, Hashable, Sendable, CaseIterable {
    /// Its process is gone: proved.
    case death = "R1"
    /// It is silent to the controller, and to another broker.
    case silence = "R2"
    /// It is silent to the controller for a whole session.
    case session = "R3"
    /// Its followers can't fetch from it.
    case unfetchable = "R4"
    /// Its disk is gray.
    case slowFlush = "R5"
}
