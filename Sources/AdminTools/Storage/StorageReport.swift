/// What `storage info` prints.
package enum StorageReport {
    /// The lines for the directories that were found, their `meta.properties`, and what is wrong.
    package static func lines(found: [String], metadata: [String], problems: [String]) -> [String] {
        var lines: [String] = []
        if !found.isEmpty {
            lines.append(found.count == 1 ? "Found log directory:" : "Found log directories:")
            lines += found.map { "  \($0)" } + [""]
        }
        if let first = metadata.first { lines += ["Found metadata: \(first)", ""] }
        if !problems.isEmpty {
            lines.append(problems.count == 1 ? "Found problem:" : "Found problems:")
            lines += problems.map { "  \($0)" } + [""]
        }
        return lines
    }
}
