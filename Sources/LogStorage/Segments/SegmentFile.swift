package import Primitives
import Synchronization
package import World

/// The log file of a segment, with what is known of its bytes in memory: what this process wrote, or has checked, need
/// not be compared with its checksums again as long as it stays in the page cache.
///
/// A disk damages what it keeps, so what comes from it is checked. For that to be seen nothing may come into memory
/// unseen: the system's own read-ahead is off, every read through here looks first whether it has to wait for the disk,
/// and what is read ahead is asked for here, outside of what is trusted.
package final class SegmentFile: File {
    private let file: any File
    private let trust: Mutex<TrustedRanges>
    private let newest = Mutex<NewestWrite?>(nil)

    /// Memory comes and goes by pages; where they are larger, a little more is taken for one.
    private static let pageBytes: Int64 = 4_096
    /// A read of so many bytes is one of a walk through the file.
    private static let walkBytes = 64 << 10
    /// How much of a walk is asked for at a time, in its own reads.
    private static let readAheadReads: Int64 = 4
    private static let readAheadBytesMax: Int64 = 4 << 20

    /// Takes over an open file, of which nothing is trusted.
    package init(_ file: any File) {
        self.file = file
        trust = Mutex(TrustedRanges())
        file.switchOffReadAhead()
    }

    /// The same file after it was renamed and opened again.
    init(_ file: any File, afterRenaming former: SegmentFile) {
        self.file = file
        trust = Mutex(former.trust.withLock { $0 })
        file.switchOffReadAhead()
    }

    package var path: String { file.path }

    package var descriptor: Int32? { file.descriptor }

    package func write(_ pieces: [Bytes], at position: Int64) throws(FileError) {
        // The page that the file ends in is read from the disk, if it has left memory.
        let page = position / SegmentFile.pageBytes * SegmentFile.pageBytes
        if page < position, trust.withLock({ $0.isQuiet && $0.touches(page..<position) }),
            !file.isResident(from: page, count: Int(position - page))
        {
            trust.withLock { $0.end(page..<position) }
        }
        forgetNewest()
        try file.write(pieces, at: position)
        let count = pieces.reduce(Int64(0)) { $0 + Int64($1.count) }
        trust.withLock { $0.wrote(position..<position + count) }
    }

    /// Keeps what was just written there, for whoever reads it in this moment, if it is not too much. Its memory is a
    /// connection's: who keeps it calls `forgetNewest` soon.
    func keepNewest(_ pieces: [Bytes], at position: Int64) {
        let kept = NewestWrite(pieces, at: position)
        newest.withLock { $0 = kept }
    }

    /// Lets go of what `keepNewest` kept.
    package func forgetNewest() { newest.withLock { $0 = nil } }

    package func read(into buffer: Bytes, at position: Int64) throws(FileError) -> Int {
        if newest.withLock({ $0?.read(into: buffer, at: position) ?? false }) { return buffer.count }
        let range = SegmentFile.pages(position..<position + Int64(buffer.count))
        let isWalk = buffer.count >= SegmentFile.walkBytes
        if isWalk || trust.withLock({ $0.touches(range) }), buffer.count > 0,
            !file.isResident(from: position, count: buffer.count)
        {
            trust.withLock { $0.end(range) }
            if isWalk { walkAhead(from: position, count: buffer.count) }
        }
        return try file.read(into: buffer, at: position)
    }

    private func walkAhead(from position: Int64, count: Int) {
        let (wanted, isOverflow) = Int64(count).multipliedReportingOverflow(by: SegmentFile.readAheadReads)
        let most = max(isOverflow ? .max : min(wanted, SegmentFile.readAheadBytesMax), Int64(count))
        // A page that is trusted in part comes in unseen, too.
        let end = trust.withLock { $0.next(behind: position) }.map {
            $0 / SegmentFile.pageBytes * SegmentFile.pageBytes
        }
        let length = min(most, (end ?? .max) - position)
        if length > 0 { file.readAhead(from: position, count: Int(length)) }
    }

    /// All pages that a range touches.
    private static func pages(_ range: Range<Int64>) -> Range<Int64> {
        let end = (range.upperBound + pageBytes - 1) / pageBytes * pageBytes
        return range.lowerBound / pageBytes * pageBytes..<end
    }

    package func synchronize() throws(FileError) { try file.synchronize() }

    package func truncate(to size: Int64) throws(FileError) {
        trust.withLock { $0.cut(to: size) }
        forgetNewest()
        try file.truncate(to: size)
    }

    package func size() throws(FileError) -> Int64 { try file.size() }

    package func isResident(from position: Int64, count: Int) -> Bool { file.isResident(from: position, count: count) }

    package func switchOffReadAhead() {}

    package func readAhead(from position: Int64, count: Int) { file.readAhead(from: position, count: count) }

    package func close() { file.close() }

    // MARK: What need not be checked again

    /// Whether a range may be sent as it stands in memory, if it stands there.
    package func isTrusted(_ range: Range<Int64>, now: MonotonicInstant) -> Bool {
        trust.withLock { $0.contains(range, now: now) }
    }

    /// A range was not in memory as a whole.
    package func distrust(_ range: Range<Int64>) { trust.withLock { $0.end(range) } }

    /// A range was read, and is sound.
    package func wasChecked(_ range: Range<Int64>, now: MonotonicInstant) {
        trust.withLock { $0.checked(range, now: now) }
    }

    /// Forgets what was trusted too long.
    func ageTrust(now: MonotonicInstant) { trust.withLock { $0.age(now: now) } }
}

extension FileStore {
    /// Opens the log file of a segment.
    func openSegment(_ path: String, _ mode: OpenMode) throws(FileError) -> SegmentFile {
        SegmentFile(try open(path, mode))
    }
}
