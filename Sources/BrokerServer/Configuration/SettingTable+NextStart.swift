extension SettingTable {
    /// Keys that Kafka changes while a broker runs, and that act here from the next start on, each with its reason.
    package static let fromNextStart: [(name: String, reason: String)] = [
        ("num.recovery.threads.per.data.dir", "logs are recovered at a start only"),
        ("listeners", "the node opens its listeners when it starts"),
        ("advertised.listeners", "the node registers with them when it starts"),
        ("listener.security.protocol.map", "it belongs to `listeners`"),
    ]

    /// What is added to the refusal of a change at run time, so that whoever knows Kafka knows what to do instead.
    static func adviceOnRestart(_ names: [String]) -> String {
        let later = names.filter { name in fromNextStart.contains { $0.name == name } }
        guard !later.isEmpty else { return "" }
        let them = later.count == 1 ? "It acts" : "They act"
        return ". \(them) here from the next start on: set \(later.joined(separator: ", ")) in the properties"
    }
}
