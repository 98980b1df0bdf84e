import Primitives
import WireProtocol
import World

/// Writes the one segment that a group of segments becomes, under `.cleaned` names.
struct CleanedWriter: Sendable {
    private let directory: String
    private let configuration: LogConfiguration
    private let endOffset: Offset
    private var segment: LogSegment
    private var pieces: [Bytes] = []
    private var pendingBytes = 0
    private var written: Int64 = 0
    private var isChanged: Bool
    /// The aborted transactions of the group whose marker may yet be kept, in order; the first `taken` were met.
    private let aborted: [AbortedTransaction]
    private var taken = 0

    init(
        _ group: ArraySlice<CompactionSource.Segment>, _ source: CompactionSource, _ files: any FileStore
    ) throws(StorageError) {
        guard let first = group.first, let last = group.last else { preconditionFailure("a group of no segment") }
        directory = source.directory
        configuration = source.configuration
        endOffset = last.endOffset
        isChanged = group.count > 1
        var aborted: [AbortedTransaction] = []
        for segment in group { aborted += try segment.transactions.all(in: files) }
        self.aborted = aborted
        let path = directory + "/" + SegmentFileName.name(first.baseOffset, .log) + SegmentFileName.cleanedSuffix
        do throws(FileError) {
            let file = try files.openSegment(path, .replace)
            segment = LogSegment(
                baseOffset: first.baseOffset, file: file, directory: directory, openedAt: last.openedAt)
        } catch { throw .file(error) }
    }

    /// Whether it differs from what it was made of, and is no empty file: that could not tell where it ends.
    var isWorthIt: Bool { isChanged && !segment.isEmpty }

    mutating func dropped() { isChanged = true }

    mutating func write(_ bytes: Bytes, isChanged: Bool, bufferBytes: Int) throws(StorageError) {
        if isChanged { self.isChanged = true }
        let header = try RecordBatchHeader(stored: bytes)
        guard segment.sizeBytes + Int64(bytes.count) <= Int64(Int32.max) else {
            throw .invalidBatch(reason: "what is left of a segment is larger than a segment can be")
        }
        segment.note(header, indexIntervalBytes: configuration.indexIntervalBytes)
        if header.attributes.isControl, header.recordCount > 0 { keepTransaction(endedAt: header.baseOffset) }
        pieces.append(bytes)
        pendingBytes += bytes.count
        if pendingBytes >= bufferBytes { try flushPieces() }
    }

    /// A transaction stays in the index as long as its marker does: without it, readers would leave out what its
    /// producer wrote later.
    private mutating func keepTransaction(endedAt offset: Offset) {
        while taken < aborted.count, aborted[taken].lastOffset < offset { taken += 1 }
        if taken < aborted.count, aborted[taken].lastOffset == offset { segment.transactions.append(aborted[taken]) }
    }

    private mutating func flushPieces() throws(StorageError) {
        guard !pieces.isEmpty else { return }
        do throws(FileError) { try segment.file.write(pieces, at: written) } catch { throw .file(error) }
        written += Int64(pendingBytes)
        pieces = []
        pendingBytes = 0
    }

    /// Writes the rest and the indexes, and makes all of it durable.
    mutating func finish(_ files: any FileStore) throws(StorageError) -> LogSegment {
        try flushPieces()
        segment.endOffset = endOffset
        do throws(FileError) {
            let sealed = try segment.seal(in: files, suffix: SegmentFileName.cleanedSuffix)
            for file in sealed { try file.synchronize() }
            for file in sealed { file.close() }
            if !GapMarker.exists(in: directory, files) { try GapMarker.create(in: directory, files).synchronize() }
            try files.synchronizeDirectory(directory)
        } catch { throw .file(error) }
        return segment
    }

    /// Removes what was written, as far as the disk lets it; a start removes the rest.
    mutating func discard(_ files: any FileStore) {
        segment.file.close()
        CleanedSegment(segment: segment, replaced: [], generation: 0).discard(in: directory, files)
    }
}
