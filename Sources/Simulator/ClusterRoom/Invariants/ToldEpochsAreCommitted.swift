/// Rules 31 and 32: what a member is told of its epoch or generation is committed before: it is never above the group's
/// by the log.
struct ToldEpochsAreCommitted {
    /// The greatest that was committed since the group was forgotten last.
    private var written: [String: Int32] = [:]

    /// A committed record says it; nil where the group has none under this protocol any more.
    mutating func written(_ epoch: Int32?, of group: String) {
        // A change of the protocol forgets one record and goes on from its number in another.
        if let epoch { written[group] = max(written[group] ?? 0, epoch) }
    }

    func violation(_ epoch: Int32, toldIn group: String) -> String? {
        let known = written[group] ?? 0
        return epoch <= known
            ? nil : "rule 32: a member of \(group) was told epoch \(epoch), and \(known) is committed"
    }
}
