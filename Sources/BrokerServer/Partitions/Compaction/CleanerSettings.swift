/// What the `log.cleaner.*` keys of a node say about the work itself.
struct CleanerSettings: Hashable, Sendable {
    /// Logs that are compacted at a time.
    let threads: Int
    /// For each of them.
    let mapBytes: Int
    /// How full a map may be.
    let mapLoad: Double
    /// Read and written at a time by each.
    let bufferBytes: Int
    /// Read and written each second, by all; nil for as fast as it goes.
    let bytesPerSecondMax: Double?
    /// The pause when there is nothing to do.
    let backoffMilliseconds: Int64

    init(_ settings: Settings) {
        threads = max(Int(settings.integer("log.cleaner.threads")), 1)
        mapBytes = Int(settings.integer("log.cleaner.dedupe.buffer.size")) / threads
        mapLoad = Double(settings.string("log.cleaner.io.buffer.load.factor")) ?? 0.9
        // Half of it reads, half of it writes.
        bufferBytes = max(Int(settings.integer("log.cleaner.io.buffer.size")) / threads / 2, 1)
        let pace = Double(settings.string("log.cleaner.io.max.bytes.per.second")) ?? .greatestFiniteMagnitude
        bytesPerSecondMax = pace < 1e15 ? max(pace, 1) : nil
        backoffMilliseconds = max(settings.integer("log.cleaner.backoff.ms"), 1)
    }
}
