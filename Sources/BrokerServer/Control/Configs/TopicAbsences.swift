/// Which configurations of topics are kept and described, but do not act yet.
package enum TopicAbsences {
    /// Why a key does not act; nil for one that does.
    package static func absence(of key: String) -> Absence? {
        switch key {
        case "delete.retention.ms", "max.compaction.lag.ms", "min.cleanable.dirty.ratio", "min.compaction.lag.ms":
            .compaction
        case "local.retention.bytes", "local.retention.ms", "remote.log.copy.disable", "remote.log.delete.on.disable",
            "remote.storage.enable":
            .tieredStorage
        case "preallocate": .design("files grow as they are written")
        default: nil
        }
    }

    /// Why a value of a key that acts in part does not; nil where it does.
    package static func absence(of key: String, value: String) -> Absence? {
        if key == "cleanup.policy", value.contains("compact") { return .compaction }
        return absence(of: key)
    }
}
