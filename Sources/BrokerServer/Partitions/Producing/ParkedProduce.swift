import Primitives

/// One partition's part of a Produce request that waits for its replicas.
struct ParkedProduce: Sendable {
    let request: ProduceInFlight
    /// Which of the request's partitions.
    let slot: Int
    /// Exclusive: the high watermark that answers it.
    let required: Offset
}
