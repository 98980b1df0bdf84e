import ClientCore
import Primitives

/// P5, rules 31 to 34: an acknowledged commit is in the log when its answer comes; what a group has committed is what
/// it is told until something else was committed, so an offset never goes back by itself; a member whose partition was
/// given to another commits nothing; and a subscribed group's offsets are not forgotten.
struct OffsetsAreKept {
    /// Where a commit stands.
    private enum Fate: Hashable {
        case underWay
        case done(MonotonicInstant)
        case failed
        /// It may become true at any time.
        case unknown
    }

    private struct Commit {
        let offset: Offset?
        let from: MonotonicInstant
        var fate: Fate
        /// The group had been given to another before it was sent.
        let isLate: Bool
    }

    private var commits: [GroupPlace: [Commit]] = [:]
    /// How often each offset was committed by the log.
    private var writes: [GroupPlace: Set<Offset>] = [:]

    /// A member commits; gives the number of the commit.
    ///
    /// - Parameter isLate: another member was told to own the partition before this was sent.
    mutating func begin(_ place: GroupPlace, _ offset: Offset, at now: MonotonicInstant, isLate: Bool) -> Int {
        commits[place, default: []].append(Commit(offset: offset, from: now, fate: .underWay, isLate: isLate))
        return commits[place, default: []].count - 1
    }

    /// The answer came: nil where none did.
    ///
    /// - Parameter isAccepted: nil where nobody knows.
    mutating func end(_ number: Int, of place: GroupPlace, isAccepted: Bool?, at now: MonotonicInstant) -> String? {
        guard let commit = commits[place]?[number] else { return nil }
        switch isAccepted {
        case nil: commits[place]?[number].fate = .unknown
        case false?: commits[place]?[number].fate = .failed
        case true?:
            commits[place]?[number].fate = .done(now)
            if commit.isLate {
                return "rule 33: a commit for \(place.place) was accepted from a member of \(place.group) whose "
                    + "partition is another's"
            }
            if let offset = commit.offset, !(writes[place]?.contains(offset) ?? false) {
                return "rule 33: the offset \(offset) of \(place.place) was acknowledged to \(place.group) and is not "
                    + "committed"
            }
        }
        return nil
    }

    /// The log says it.
    mutating func written(
        _ place: GroupPlace, _ offset: Offset?, at now: MonotonicInstant, isSubscribed: Bool
    ) -> String? {
        if let offset {
            writes[place, default: []].insert(offset)
            return nil
        }
        if isSubscribed, commits[place] != nil {
            return "rule 34: \(place.group) is subscribed to \(place.place) and its offset was forgotten"
        }
        commits[place, default: []].append(Commit(offset: nil, from: now, fate: .done(now), isLate: false))
        return nil
    }

    /// A member asked from `from` on, and was told an offset; nil for none.
    mutating func read(
        _ place: GroupPlace, _ offset: Offset?, from: MonotonicInstant, at now: MonotonicInstant
    ) -> String? {
        let all = commits[place] ?? []
        if let offset, let reason = shown(place, offset) { return reason }
        // What was told is so from then on: no later answer may be of before it.
        defer {
            let sources = all.indices.filter { all[$0].offset == offset && all[$0].fate != .failed }
            if sources.count == 1, all[sources[0]].fate == .unknown { commits[place]?[sources[0]].fate = .done(now) }
        }
        let last = all.compactMap { commit -> MonotonicInstant? in
            if case .done(let at) = commit.fate, at <= from { commit.from } else { nil }
        }.max()
        guard let last else {
            // Nothing was acknowledged before: nothing, or what was tried.
            let isKnown = offset == nil || all.contains { $0.offset == offset && $0.fate != .failed }
            let told = offset.map { "\($0)" } ?? "nothing"
            return isKnown ? nil : "P5: \(place.group) was told \(told) of \(place.place): nobody committed it"
        }
        let isFine = all.contains { commit in
            guard commit.offset == offset, commit.fate != .failed else { return false }
            // Overwritten where another one began after its end, and was acknowledged before the question.
            if case .done(let at) = commit.fate { return at >= last }
            return true
        }
        let told = offset.map { "\($0)" } ?? "nothing"
        return isFine ? nil : "P5: \(place.group) was told \(told) of \(place.place), which was overwritten before"
    }

    /// Somebody was told an offset, who may ask a coordinator that has been replaced: it is, or was, committed.
    func shown(_ place: GroupPlace, _ offset: Offset) -> String? {
        let isTried = commits[place]?.contains { $0.offset == offset } ?? false
        guard isTried, !(writes[place]?.contains(offset) ?? false) else { return nil }
        return "rule 32: \(place.group) was told the offset \(offset) of \(place.place), which is not committed"
    }

    /// What was acknowledged last; nil for nothing.
    func newest(_ place: GroupPlace) -> Offset? {
        var newest: (at: MonotonicInstant, offset: Offset?)?
        for commit in commits[place] ?? [] {
            guard case .done(let at) = commit.fate, at >= newest?.at ?? at else { continue }
            newest = (at, commit.offset)
        }
        return newest?.offset
    }

}
