import ClientCore
import WireProtocol

/// How a producer weighs latency, size and certainty.
public struct ProducerOptions: Hashable, Sendable {
    /// When a record counts as written.
    public enum Acks: Int16, Hashable, Sendable {
        /// All replicas that are in sync have it.
        case all = -1
        /// The leader has it.
        case leader = 1
        /// It was handed to the network.
        case noAnswer = 0
    }

    /// How batches are compressed.
    public enum Compression: String, Hashable, Sendable, CaseIterable {
        case uncompressed = "none"
        case gzip
        case snappy
        case lz4
        case zstd
    }

    public var acks = Acks.all
    /// Whether repeats are recognised by the broker; only with `acks` all.
    public var isIdempotent = true
    public var compression = Compression.uncompressed
    /// How long a record waits for others to come into its batch.
    public var lingerMilliseconds: Int64 = 5
    public var batchBytesMax = 16_384
    public var requestBytesMax = 1_048_576
    public var bufferBytesMax = 33_554_432
    /// How long a record is tried to be delivered.
    public var deliveryMillisecondsMax: Int64 = 120_000
    /// How often a batch is sent again; nil for as long as `deliveryMillisecondsMax` allows.
    public var retriesMax: Int?
    /// The first wait before a batch is sent again; later ones are longer, up to a second.
    public var retryBackoffMilliseconds: Int64 = 20
    /// Requests to one broker that may wait for their answers, 1 to 5.
    public var requestsInFlightMax = 5

    public init() {}

    func settings() throws(ClientError) -> ProducerMachine.Settings {
        guard acks == .all || !isIdempotent else {
            throw ClientError(.invalid, "Must set acks to all in order to use the idempotent producer.")
        }
        guard (1...5).contains(requestsInFlightMax) else {
            throw ClientError(.invalid, "From 1 to 5 requests may be in flight, not \(requestsInFlightMax)")
        }
        var settings = ProducerMachine.Settings()
        settings.acks = acks.rawValue
        settings.isIdempotent = isIdempotent
        settings.lingerMilliseconds = lingerMilliseconds
        settings.batchBytesMax = batchBytesMax
        settings.requestBytesMax = requestBytesMax
        settings.bufferBytesMax = bufferBytesMax
        settings.deliveryMillisecondsMax = deliveryMillisecondsMax
        settings.retriesMax = retriesMax ?? .max
        let backoff = max(retryBackoffMilliseconds, 1)
        settings.retry = RetryPolicy(backoffMilliseconds: backoff, backoffMillisecondsMax: max(backoff, 1_000))
        settings.requestsInFlightMax = requestsInFlightMax
        return settings
    }
}

extension ProducerOptions.Compression {
    var codec: WireProtocol.Compression {
        switch self {
        case .uncompressed: .uncompressed
        case .gzip: .gzip
        case .snappy: .snappy
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }
}
