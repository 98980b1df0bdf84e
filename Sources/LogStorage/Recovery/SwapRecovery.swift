import Primitives
import WireProtocol
import World

/// Finishes or undoes the replacing of segments that a crash interrupted: ours, and Kafka's.
///
/// A `.log.swap` is whole and durable: it takes the place of every segment that starts in its range. Other files with
/// `.swap`, and all with `.cleaned`, are from before that point, and go.
struct SwapRecovery {
    let directory: String
    let files: any FileStore
    /// Segments that were put in place.
    private(set) var finished = 0

    init(directory: String, files: any FileStore) {
        self.directory = directory
        self.files = files
    }

    mutating func run() throws(StorageError) {
        let names: [String]
        do throws(FileError) {
            names = try files.list(directory).filter { !$0.isDirectory }.map(\.name)
        } catch { throw .file(error) }
        let swaps = bases(names, SegmentFileName.swapSuffix)
        guard !swaps.isEmpty || names.contains(where: { isLeftoverOfCompaction($0) }) else { return }
        // A split that Kafka was in the midst of (KAFKA-6264): what it has not finished is undone, as long as the
        // segment that it splits is there. Without that one a `.cleaned` is a leftover, and says nothing.
        let undone = bases(names, SegmentFileName.cleanedSuffix)
            .first { names.contains(SegmentFileName.name($0, .log)) }
        for base in swaps where undone.map({ base < $0 }) ?? true { try finish(base, names) }
        do throws(FileError) {
            for entry in try files.list(directory) where !entry.isDirectory && isLeftoverOfCompaction(entry.name) {
                try files.remove(directory + "/" + entry.name)
            }
            try files.synchronizeDirectory(directory)
        } catch { throw .file(error) }
    }

    private func isLeftoverOfCompaction(_ name: String) -> Bool {
        SegmentFileName.isLeftover(name)
            && (name.hasSuffix(SegmentFileName.swapSuffix) || name.hasSuffix(SegmentFileName.cleanedSuffix))
    }

    private func bases(_ names: [String], _ suffix: String) -> [Offset] {
        names.filter { $0.hasSuffix(suffix) }
            .compactMap { SegmentFileName.parse(String($0.dropLast(suffix.count)), .log) }.sorted()
    }

    private mutating func finish(_ base: Offset, _ names: [String]) throws(StorageError) {
        let end = try endOffset(of: base)
        let replaced = names.compactMap { SegmentFileName.parse($0, .log) }.filter { $0 > base && $0 < end }
        do throws(FileError) {
            for old in replaced {
                for kind in SegmentFileName.Kind.allCases where kind != .producerSnapshot {
                    let path = directory + "/" + SegmentFileName.name(old, kind)
                    if files.exists(path) { try files.remove(path) }
                }
            }
            // The log last: as long as it has not its name, the next start does all of this again.
            for kind in SegmentFileName.Kind.compacted {
                let path = directory + "/" + SegmentFileName.name(base, kind)
                if files.exists(path + SegmentFileName.swapSuffix) {
                    try files.rename(path + SegmentFileName.swapSuffix, to: path)
                }
            }
            try files.synchronizeDirectory(directory)
        } catch { throw .file(error) }
        finished += 1
    }

    /// Where the last batch of a swap file ends.
    private func endOffset(of base: Offset) throws(StorageError) -> Offset {
        let path = directory + "/" + SegmentFileName.name(base, .log) + SegmentFileName.swapSuffix
        let file: any File
        let size: Int64
        do throws(FileError) {
            file = try files.open(path, .read)
            size = try file.size()
        } catch { throw .file(error) }
        defer { file.close() }
        var end = base
        var cursor = HeaderCursor(file, from: 0, to: size)
        while let (header, _) = try cursor.next() { end = max(end, header.nextOffset) }
        return end
    }
}
