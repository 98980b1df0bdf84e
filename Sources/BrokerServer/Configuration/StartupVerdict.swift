/// What start-up makes of a key that does not act.
enum StartupVerdict {
    /// Beginnings of keys that belong to others; with the reason why they do not act.
    private static let prefixes: [(prefix: String, absence: Absence)] = [
        ("rsm.config.", .tieredStorage),
        ("rlmm.config.", .tieredStorage),
        ("metrics.jmx.", .javaClass),
        ("config.providers.", .design("values are taken as they stand")),
        ("zookeeper.ssl.", .zooKeeper),
        ("confluent.", .design("it is a key of another distribution")),
        ("quota.", .quotas),
    ]

    private static let listenerPrefix = "listener.name."

    /// Ends the start where ignoring the key would leave a cluster open or wrong.
    static func refuse(_ key: String, _ value: String) throws(ConfigurationError) {
        guard let setting = SettingTable.byName[base(of: key)],
            case .refused(let absence, let harmless) = setting.effect,
            !value.isEmpty, !harmless.contains(value.lowercased())
        else { return }
        let shown = setting.isSensitive ? "[hidden]" : value
        throw ConfigurationError("\(key)=\(shown): \(absence.sentence)\(StartupVerdict.remedy(absence))")
    }

    private static func remedy(_ absence: Absence) -> String {
        switch absence {
        case .accessControl:
            "; a cluster that asks for it must not run open. Remove the key to run without access control."
        case .zooKeeper: "."
        default: ". Remove the key to run without it."
        }
    }

    /// The sentence about a key that is ignored, or not known; nil for one that acts.
    static func warning(for key: String) -> String? {
        if let setting = SettingTable.setting(for: key) {
            switch setting.effect {
            case .acts, .refused: return nil
            case .ignored(let absence):
                return "\(key) is known but does not act: \(absence.sentence)"
            }
        }
        if key.hasPrefix(listenerPrefix), SettingTable.byName[base(of: key)] != nil {
            return "\(key) is known but does not act: keys of one listener are not built yet"
        }
        if let (prefix, absence) = prefixes.first(where: { key.hasPrefix($0.prefix) }) {
            return "\(key) begins with \(prefix) and does not act: \(absence.sentence)"
        }
        let nearest = SettingTable.all
            .map { (name: $0.name, distance: EditDistance.between(key, $0.name)) }
            .min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= 3 else { return "\(key) is not a known key; it is ignored" }
        return "\(key) is not a known key; it is ignored. Did you mean \(nearest.name)?"
    }

    /// The key without `listener.name.NAME.` and without a SASL mechanism behind it.
    static func base(of key: String) -> String {
        guard key.hasPrefix(listenerPrefix) else { return key }
        let rest = key.dropFirst(listenerPrefix.count)
        guard let dot = rest.firstIndex(of: ".") else { return key }
        let name = rest[rest.index(after: dot)...]
        if SettingTable.byName[String(name)] != nil { return String(name) }
        guard let next = name.firstIndex(of: ".") else { return String(name) }
        return String(name[name.index(after: next)...])
    }
}
