/// Which levels of which features belong to which release of Kafka.
enum ReleaseFeatures {
    /// A level of `metadata.version`.
    struct Release: Hashable {
        let level: Int16
        /// `4.3-IV0`.
        let name: String

        /// `4.3`.
        var short: String { String(name.prefix { $0 != "-" }) }
    }

    static let metadataVersion = "metadata.version"

    /// From the first that Kafka 4 can read, oldest first.
    static let releases: [Release] = [
        (7, "3.3-IV3"), (8, "3.4-IV0"), (9, "3.5-IV0"), (10, "3.5-IV1"), (11, "3.5-IV2"), (12, "3.6-IV0"),
        (13, "3.6-IV1"), (14, "3.6-IV2"), (15, "3.7-IV0"), (16, "3.7-IV1"), (17, "3.7-IV2"), (18, "3.7-IV3"),
        (19, "3.7-IV4"), (20, "3.8-IV0"), (21, "3.9-IV0"), (22, "4.0-IV0"), (23, "4.0-IV1"), (24, "4.0-IV2"),
        (25, "4.0-IV3"), (26, "4.1-IV0"), (27, "4.1-IV1"), (28, "4.2-IV0"), (29, "4.2-IV1"), (30, "4.3-IV0"),
    ].map { Release(level: $0.0, name: $0.1) }

    /// The newest.
    static var latest: Release { releases[releases.count - 1] }

    /// The other features: the level that each gets by default, and from which `metadata.version` on.
    static let others: [(name: String, defaults: [(level: Int16, since: Int16)])] = [
        ("kraft.version", [(1, 21)]), ("transaction.version", [(2, 24)]), ("group.version", [(1, 22)]),
        ("eligible.leader.replicas.version", [(1, 26)]), ("share.version", [(1, 28)]), ("streams.version", [(1, 29)]),
    ]

    /// What a level can't be without; by feature and level.
    static let dependencies: [String: [Int16: [(name: String, level: Int16)]]] = [
        "eligible.leader.replicas.version": [1: [(metadataVersion, 23)]]
    ]

    /// `4.3-IV0`, or `4.3` for the last of its kind.
    static func release(named name: String) -> Release? {
        releases.last { $0.name == name || $0.short == name }
    }

    static func release(ofLevel level: Int16) -> Release? { releases.first { $0.level == level } }

    /// The level of a feature other than `metadata.version` that a release has by default.
    static func level(of feature: String, in release: Release) -> Int16 {
        let defaults = others.first { $0.name == feature }?.defaults ?? []
        return defaults.last { $0.since <= release.level }?.level ?? 0
    }

    /// Whether there is such a level of a feature in any release.
    static func exists(_ feature: String, _ level: Int16) -> Bool {
        if feature == metadataVersion { return release(ofLevel: level) != nil }
        guard let known = others.first(where: { $0.name == feature }) else { return false }
        return level >= 0 && level <= (known.defaults.last?.level ?? 0)
    }
}
