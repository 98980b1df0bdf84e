import LogStorage
import Primitives
import World

/// What a start finds in the directories of partition logs.
struct FoundDirectories: Sendable {
    let directories: [DataDirectories.Found]
    /// The life that ended clean in every directory; nil when one of them was left in a crash.
    let cleanlyEndedEpoch: BrokerEpoch?

    /// Looks into each directory; blocks.
    init(_ formatted: FormattedDirectories, paths: [String], files: any FileStore) throws(NodeFailure) {
        var found: [DataDirectories.Found] = []
        var epochs: Set<BrokerEpoch?> = []
        for path in paths {
            guard let id = formatted.id(of: path) else { preconditionFailure("a data directory was not formatted") }
            do throws(FileError) {
                let (directory, shutdown) = try DataDirectories.look(into: path, id: id, files: files)
                found.append(directory)
                switch shutdown {
                case .unclean: epochs.insert(nil)
                case .clean(let epoch): epochs.insert(epoch)
                }
            } catch {
                throw NodeFailure("can't look into the log directory \(path): \(error)")
            }
        }
        directories = found
        cleanlyEndedEpoch = epochs.count == 1 ? epochs.first ?? nil : nil
    }
}
