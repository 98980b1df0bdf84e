package import Primitives
package import World

/// One compacted segment, durable under its `.cleaned` names, to stand where a group of segments stands.
package struct CleanedSegment: Sendable {
    let segment: LogSegment
    let replaced: [CompactionSource.Segment]
    let generation: Int

    /// Removes its files: the log did not take it. As far as the disk lets it; a start removes the rest.
    package func discard(in directory: String, _ files: any FileStore) {
        for kind in SegmentFileName.Kind.compacted {
            let path = directory + "/" + SegmentFileName.name(segment.baseOffset, kind) + SegmentFileName.cleanedSuffix
            guard files.exists(path) else { continue }
            do throws(FileError) { try files.remove(path) } catch { continue }
        }
    }
}

extension PartitionLog {
    /// Puts a compacted segment in the place of those it was made of.
    ///
    /// Only renames, in this order: the new files to `.swap`, the log last; the old ones to `.deleted`; the new ones
    /// to their names, the log last. A crash that finds `.log.swap` finishes it, one that does not undoes it.
    /// - Returns: the old files, for the pool to remove after `file.delete.delay.ms`; nil when the log is no longer
    ///   what the segment was made of, and the segment is of no use.
    package mutating func replace(with cleaned: CleanedSegment) throws(StorageError) -> [SegmentRemoval]? {
        try checkOnline()
        guard let range = range(of: cleaned) else { return nil }
        let base = cleaned.segment.baseOffset
        var removals: [SegmentRemoval] = []
        do throws(FileError) {
            for kind in SegmentFileName.Kind.compacted {
                try files.rename(
                    path(base, kind) + SegmentFileName.cleanedSuffix, to: path(base, kind) + SegmentFileName.swapSuffix)
            }
            for segment in segments[range] { removals.append(try setAside(segment.baseOffset)) }
            for kind in SegmentFileName.Kind.compacted {
                try files.rename(path(base, kind) + SegmentFileName.swapSuffix, to: path(base, kind))
            }
            let live = cleaned.segment.moved(to: try files.open(path(base, .log), .readWrite))
            segments.replaceSubrange(range, with: [live])
        } catch { throw failed(error) }
        hasGaps = true
        hints.removeAll()
        ledger.addDirectory(directory)
        return removals
    }

    /// All below `offset` is compacted.
    package mutating func compacted(upTo offset: Offset) { cleanedEndOffset = max(cleanedEndOffset, offset) }

    /// Where the replaced segments stand now; nil when one of them is gone or another.
    private func range(of cleaned: CleanedSegment) -> Range<Int>? {
        guard cleaned.generation == ledger.generation, let first = cleaned.replaced.first else { return nil }
        let start = segmentIndex(of: first.baseOffset)
        let end = start + cleaned.replaced.count
        // The active segment is never replaced.
        guard end < segments.count else { return nil }
        let isSame = zip(segments[start..<end], cleaned.replaced).allSatisfy {
            $0.baseOffset == $1.baseOffset && $0.endOffset == $1.endOffset && $0.sizeBytes == $1.sizeBytes
        }
        return isSame ? start..<end : nil
    }

    /// Renames the files of a replaced segment; a producer snapshot that a start would take stays.
    private func setAside(_ base: Offset) throws(FileError) -> SegmentRemoval {
        var renamed: [String] = []
        for kind in SegmentFileName.Kind.allCases where kind != .producerSnapshot && files.exists(path(base, kind)) {
            let target = path(base, kind) + SegmentFileName.deletedSuffix
            try files.rename(path(base, kind), to: target)
            renamed.append(target)
        }
        return SegmentRemoval(paths: renamed)
    }
}

extension SegmentFileName.Kind {
    /// What compaction makes anew, the log last.
    static let compacted: [SegmentFileName.Kind] = [.transactionIndex, .offsetIndex, .timeIndex, .log]
}
