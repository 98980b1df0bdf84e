/// The rule for topic names, checked when a topic is asked for and again when its record is replayed.
package enum TopicName {
    private static let lengthMax = 249
    /// The metadata log's name: a topic of that name would get the metadata log's directory.
    private static let metadataLog = "__cluster_metadata"

    /// What is wrong with `name`, in Kafka's words; nil if it is valid.
    package static func complaint(about name: String) -> String? {
        if name.isEmpty { return "Topic name is invalid: the empty string is not allowed" }
        if name == "." { return "Topic name is invalid: '.' is not allowed" }
        if name == ".." { return "Topic name is invalid: '..' is not allowed" }
        if name == metadataLog { return "Topic name is invalid: '\(name)' is the cluster's own log" }
        if name.utf16.count > lengthMax {
            return "Topic name is invalid: the length of '\(name)' is longer than the max allowed length \(lengthMax)"
        }
        guard name.utf8.allSatisfy(isLegal) else {
            return "Topic name is invalid: '\(name)' contains one or more characters other than ASCII alphanumerics, "
                + "'.', '_' and '-'"
        }
        return nil
    }

    /// Whether a topic may have this name.
    package static func isValid(_ name: String) -> Bool { complaint(about: name) == nil }

    /// What two names share if their metrics would collide: periods and underscores are one character there.
    package static func collisionKey(_ name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }

    /// True for the topics that the cluster keeps for itself.
    package static func isInternal(_ name: String) -> Bool {
        name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state"
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
