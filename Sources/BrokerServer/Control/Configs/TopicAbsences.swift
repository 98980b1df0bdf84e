/// Which configurations of topics are kept and described, but do not act yet.
package enum TopicAbsences {
    /// Why a key does not act; nil for one that does.
    package static func absence(of key: String) -> Absence? {
        switch key {
        case "local.retention.bytes", "local.retention.ms", "remote.log.copy.disable", "remote.log.delete.on.disable",
            "remote.storage.enable":
            .tieredStorage
        case "preallocate": .design("files grow as they are written")
        default: nil
        }
    }
}
