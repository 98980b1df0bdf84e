import LogStorage

/// A flush on its way, and the log that it is of: it says nothing about one that has taken its place.
struct PartitionFlush: Sendable {
    let ticket: FlushTicket
    let logNumber: Int
}
