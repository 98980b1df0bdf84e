/// Settings that can be given under several names: in finer and coarser units, or by a later and an earlier name.
enum SettingNames {
    /// The names of each such setting, the one that goes before the others first.
    private static let groups: [[String]] = [
        ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
        ["log.roll.ms", "log.roll.hours"],
        ["log.roll.jitter.ms", "log.roll.jitter.hours"],
        ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        ["log.dirs", "log.dir"],
        ["node.id", "broker.id"],
    ]

    /// Milliseconds in the unit of a key.
    static func milliseconds(inUnitOf key: String) -> Int64 {
        if key.hasSuffix(".minutes") { return 60_000 }
        return key.hasSuffix(".hours") ? 3_600_000 : 1
    }

    /// All names of the setting that `key` belongs to, the one that goes before the others first.
    static func inOrder(of key: String) -> [String] { groups.first { $0.contains(key) } ?? [key] }
}

extension Settings {
    /// A time that may be given in several units: of what is given the finest, of the defaults too.
    ///
    /// - Returns: milliseconds, below 0 for "never"; nil where neither is.
    package func milliseconds(_ key: String) -> Int64? {
        let names = SettingNames.inOrder(of: key)
        guard let name = names.first(where: isGiven) ?? names.first(where: { optionalInteger($0) != nil }),
            let count = optionalInteger(name)
        else { return nil }
        if count < 0 { return -1 }
        let (product, isOverflow) = count.multipliedReportingOverflow(by: SettingNames.milliseconds(inUnitOf: name))
        return isOverflow ? Int64.max : product
    }

    /// The value of a key as DescribeConfigs shows it.
    func effectiveText(_ key: String) -> String? { optionalString(key) }
}
