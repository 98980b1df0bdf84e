import Primitives
import WireProtocol
import World

#if MUTANTS
    import Mutants
#endif

/// Walks over whole batches of a log file, reading large pieces at a time: for recovery and tools.
struct BatchCursor {
    private let file: any File
    private let end: Int64
    /// Where the next batch starts.
    private(set) var position: Int64
    private var window = Bytes.empty
    private var windowStart: Int64 = 0

    private let windowBytes: Int
    /// Whether what was read is overwritten by what is read next.
    private let reusesWindow: Bool

    /// What stands at a position.
    enum Step {
        case batch(RecordBatchHeader, Bytes, position: Int64)
        /// No whole, intact batch: what follows is torn or damaged.
        case broken(position: Int64, reason: String)
        case end
    }

    /// - Parameter windowBytes: read at a time.
    /// - Parameter reusesWindow: a batch's bytes are valid until the next step only.
    init(
        _ file: any File, from position: Int64 = 0, to end: Int64, windowBytes: Int = 1 << 20,
        reusesWindow: Bool = false
    ) {
        self.file = file
        self.position = position
        self.end = end
        self.windowBytes = windowBytes
        self.reusesWindow = reusesWindow
    }

    /// The next batch; its bytes stay valid, unless the window is used again.
    mutating func next(checkingChecksum: Bool = true) throws(FileError) -> Step {
        guard position < end else { return .end }
        let start = position
        try load(RecordBatchHeader.sizeInBytes)
        let header: RecordBatchHeader
        do throws(StorageError) { header = try RecordBatchHeader(stored: available) } catch {
            return .broken(position: start, reason: "\(error)")
        }
        guard Int64(header.sizeInBytes) <= end - start else {
            return .broken(position: start, reason: "\(end - start) bytes of a batch of \(header.sizeInBytes)")
        }
        try load(header.sizeInBytes)
        guard available.count >= header.sizeInBytes else { return .broken(position: start, reason: "short read") }
        let batch = available[0..<header.sizeInBytes]
        #if MUTANTS
            let checkingChecksum = checkingChecksum && !Mutant.recoveryTrustsBytes.isOn
        #endif
        if checkingChecksum, !header.isIntact(batch) {
            return .broken(position: start, reason: "wrong checksum of the batch at offset \(header.baseOffset)")
        }
        position += Int64(header.sizeInBytes)
        return .batch(header, batch, position: start)
    }

    private var available: Bytes { window[Int(position - windowStart)..<window.count] }

    /// Makes at least `count` bytes from `position` on available, if the file has them.
    private mutating func load(_ count: Int) throws(FileError) {
        if position + Int64(count) <= windowStart + Int64(window.count), position >= windowStart { return }
        let wanted = Int(min(Int64(max(count, windowBytes)), end - position))
        // What is there of it already is kept: it need not be read twice.
        let rest = position >= windowStart && position < windowStart + Int64(window.count) ? available : Bytes.empty
        let canReuse = reusesWindow && window.region.count >= wanted
        let buffer = Bytes(canReuse ? window.region : MemoryRegion(count: wanted), start: 0, count: wanted)
        buffer.move(rest)
        var done = rest.count
        while done < wanted {
            let got = try file.read(into: buffer[done..<wanted], at: position + Int64(done))
            if got == 0 { break }
            done += got
        }
        window = buffer[0..<done]
        windowStart = position
    }
}
