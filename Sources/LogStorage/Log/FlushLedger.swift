import World

/// What was written and not yet made durable, in the order in which it was written.
struct FlushLedger: Sendable {
    /// A point in the ledger: a flush that was taken there covers what stands before it.
    struct Mark: Hashable, Sendable {
        fileprivate let sequence: Int
        fileprivate let epochsVersion: Int
        /// Changes with each truncation: a flush taken before one says nothing about what came after.
        let generation: Int
    }

    private var files: [(sequence: Int, file: any File)] = []
    private var directories: [(sequence: Int, path: String)] = []
    private var sequence = 0
    private var savedEpochsVersion = 0
    /// Counts truncations.
    private(set) var generation = 0

    var isEmpty: Bool { files.isEmpty && directories.isEmpty }
    var filesToFlush: [any File] { files.map(\.file) }

    /// Each directory once, in the order of the last change.
    var directoriesToFlush: [String] {
        var paths: [String] = []
        for (_, path) in directories where !paths.contains(path) { paths.append(path) }
        return paths
    }

    mutating func add(_ written: [any File]) {
        for file in written {
            files.append((sequence, file))
            sequence += 1
        }
    }

    mutating func addDirectory(_ path: String) {
        directories.append((sequence, path))
        sequence += 1
    }

    func needsEpochs(_ version: Int) -> Bool { version > savedEpochsVersion }

    func mark(epochsVersion: Int) -> Mark {
        Mark(sequence: sequence, epochsVersion: epochsVersion, generation: generation)
    }

    /// A flush taken at `mark` succeeded; false when a truncation came between.
    mutating func settle(_ mark: Mark, wroteEpochs: Bool) -> Bool {
        // An older flush that ran last put older epochs into the file: they are written again.
        if wroteEpochs { savedEpochsVersion = mark.epochsVersion }
        guard mark.generation == generation else { return false }
        files.removeAll { $0.sequence < mark.sequence }
        directories.removeAll { $0.sequence < mark.sequence }
        return true
    }

    /// The log was cut: outstanding flushes count no more.
    mutating func invalidate() { generation += 1 }

    /// The log takes the place of another: what was taken of either before counts no more.
    mutating func succeed(_ former: FlushLedger) { generation = max(generation, former.generation) + 1 }

    /// The epochs are as the checkpoint file says.
    mutating func epochsAreSaved(_ version: Int) { savedEpochsVersion = version }
}
