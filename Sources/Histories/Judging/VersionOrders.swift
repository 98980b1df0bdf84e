import Primitives

/// For each key its values in the order of their offsets, as answers and readers tell it. Gaps do not count: offsets
/// without a value are markers of transactions, or writes that nobody knows of.
struct VersionOrders {
    struct Version {
        let offset: Offset
        let value: Int64
        /// Nil for a value that nobody wrote.
        let write: Int32?
        let line: Int32
    }

    /// By the number of the key; ascending, one version for each offset.
    private(set) var versions: [[Version]]

    /// Reports offsets with two values on the way.
    init(_ history: History, _ table: WriteTable, _ findings: inout Findings) {
        versions = Array(repeating: [], count: history.keys.count)
        for (number, write) in table.writes.enumerated() where write.standing == .committed {
            guard let offset = write.offset else { continue }
            versions[Int(write.key)].append(
                Version(offset: offset, value: write.value, write: Int32(number), line: write.line))
        }
        for stray in table.strays {
            versions[Int(stray.key)].append(
                Version(offset: stray.offset, value: stray.value, write: stray.write, line: stray.line))
        }
        for key in versions.indices {
            versions[key].sort { ($0.offset, $0.line, $0.value) < ($1.offset, $1.line, $1.value) }
            versions[key] = VersionOrders.compacted(versions[key], history.keys[key], &findings)
        }
    }

    private static func compacted(_ sorted: [Version], _ key: String, _ findings: inout Findings) -> [Version] {
        var kept: [Version] = []
        kept.reserveCapacity(sorted.count)
        for version in sorted {
            guard let last = kept.last, last.offset == version.offset else {
                kept.append(version)
                continue
            }
            guard last.value != version.value else { continue }
            findings.add(
                .inconsistentOffsets, lines: [last.line, version.line],
                "\(key) offset \(version.offset) held \(last.value) (line \(last.line)) and \(version.value) "
                    + "(line \(version.line))")
        }
        return kept
    }

    /// The place of an offset among those of its key; nil if nothing stands there.
    func rank(key: Int32, offset: Offset) -> Int? {
        let list = versions[Int(key)]
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low < list.count && list[low].offset == offset ? low : nil
    }
}
