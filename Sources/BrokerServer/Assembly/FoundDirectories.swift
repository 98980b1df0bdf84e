import LogStorage
import Primitives
import World

/// What a start finds in the directories of partition logs.
struct FoundDirectories: Sendable {
    let directories: [DataDirectories.Found]
    /// Those that can't be used.
    let failed: [DataDirectories.Failed]
    /// The life that ended clean in every directory; nil when one of them was left in a crash, or can't be looked into.
    let cleanlyEndedEpoch: BrokerEpoch?

    /// Looks into each directory; blocks.
    init(_ formatted: FormattedDirectories, paths: [String], files: any FileStore) throws(NodeFailure) {
        var found: [DataDirectories.Found] = []
        var failed = formatted.failed
        var epochs: Set<BrokerEpoch?> = []
        for path in paths {
            guard let id = formatted.id(of: path) else { continue }
            do throws(FileError) {
                let (directory, shutdown) = try DataDirectories.look(into: path, id: id, files: files)
                found.append(directory)
                switch shutdown {
                case .unclean, .damaged: epochs.insert(nil)
                case .clean(let epoch): epochs.insert(epoch)
                }
            } catch {
                failed.append(DataDirectories.Failed(path: path, reason: "\(error)"))
            }
        }
        if let first = failed.first, found.isEmpty, !paths.isEmpty {
            throw NodeFailure("can't look into the log directory \(first.path): \(first.reason)")
        }
        directories = found
        self.failed = failed
        cleanlyEndedEpoch = failed.isEmpty && epochs.count == 1 ? epochs.first ?? nil : nil
    }
}
