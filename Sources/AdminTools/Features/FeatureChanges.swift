import MartletClient

/// Which levels a command line of `features` asks for, and how the outcome is told.
enum FeatureChanges {
    typealias Change = (name: String, level: Int16)

    /// The changes of `upgrade`, `downgrade` or `disable`.
    ///
    /// - Errors: `ToolFailure` for what can't be read, and where nothing is asked for.
    static func read(
        operation: String, features: [String], release: String?, metadata: String?
    ) throws(ToolFailure) -> [Change] {
        var changes: [Change] = []
        if operation == "disable" {
            for name in features { changes.append((name, 0)) }
        } else {
            if release != nil, !features.isEmpty || metadata != nil {
                throw ToolFailure("Can not specify `release-version` with other feature flags.")
            }
            if let release {
                let chosen = try known(release)
                changes.append((ReleaseFeatures.metadataVersion, chosen.level))
                // The quorum's own feature changes together with its voters, not with a release.
                for (name, _) in ReleaseFeatures.others where name != "kraft.version" {
                    changes.append((name, ReleaseFeatures.level(of: name, in: chosen)))
                }
            }
            if let metadata { changes.append((ReleaseFeatures.metadataVersion, try known(metadata).level)) }
            for text in features { changes.append(try parse(text)) }
        }
        guard !changes.isEmpty else { throw ToolFailure("You must specify at least one feature to \(operation)") }
        var seen: Set<String> = []
        for change in changes where !seen.insert(change.name).inserted {
            throw ToolFailure("Feature \(change.name) was specified more than once.")
        }
        return changes
    }

    private static func known(_ release: String) throws(ToolFailure) -> ReleaseFeatures.Release {
        guard let found = ReleaseFeatures.release(named: release) else { throw unknownRelease(release) }
        return found
    }

    static func unknownRelease(_ name: String) -> ToolFailure {
        let first = ReleaseFeatures.releases[0].name
        return ToolFailure(
            "Unknown metadata.version \(name). Supported metadata.version are \(first)-\(ReleaseFeatures.latest.name)")
    }

    /// Reads `NAME=LEVEL`.
    static func parse(_ text: String) throws(ToolFailure) -> Change {
        guard let place = text.firstIndex(of: "=") else {
            throw ToolFailure("Can't parse feature=level string \(text): equals sign not found.")
        }
        let level = text[text.index(after: place)...]
        guard let number = Int16(level) else {
            throw ToolFailure("Can't parse feature=level string \(text): unable to parse \(level) as a short.")
        }
        return (String(text[..<place]), number)
    }

    /// What became of one change.
    static func line(_ operation: String, _ change: Change, isDryRun: Bool, reason: ClientError?) -> String {
        let target = operation == "disable" ? "" : " to \(change.level)"
        if let reason {
            return "\(isDryRun ? "Can not" : "Could not") \(operation) \(change.name)\(target). \(reason)"
        }
        let done = operation.hasSuffix("e") ? operation + "d" : operation + "ed"
        return isDryRun ? "\(change.name) can be \(done)\(target)." : "\(change.name) was \(done)\(target)."
    }
}
