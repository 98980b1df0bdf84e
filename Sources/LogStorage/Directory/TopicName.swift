/// Which topic names may be (case A17): the same rule for requests, metadata replay and what stands on the disk.
package enum TopicName {
    package static let lengthMax = 249

    /// Why `name` is no topic name; nil when it is one.
    package static func problem(_ name: some StringProtocol) -> String? {
        if name.isEmpty { return "the topic name is empty" }
        if name == "." || name == ".." { return "the topic name can't be \"\(name)\"" }
        if name.utf8.count > lengthMax { return "the topic name is longer than \(lengthMax) characters" }
        if !name.utf8.allSatisfy(isAllowed) {
            return "the topic name has characters other than ASCII letters and digits, '.', '_' and '-'"
        }
        return nil
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
