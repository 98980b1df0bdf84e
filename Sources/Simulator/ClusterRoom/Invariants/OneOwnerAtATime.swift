import ClientCore
import Primitives

/// No partition is owned by two members of a group at once: nobody is told to have one that another was told and has
/// not given up, unless the other can have been thrown out by then, as its session or its time to give up was over, or
/// was replaced by one of its name.
struct OneOwnerAtATime {
    private struct Claim {
        let owner: MemberLife
        let toldAt: MonotonicInstant
        /// When the last request was sent whose answer let it keep the partition.
        var grantedAt: MonotonicInstant
        /// It has to give something up, this or another.
        var isGivingUp = false

        /// When it can have been thrown out at the earliest.
        var endsAt: MonotonicInstant { owner.isSuperseded ? MonotonicInstant(0) : timeIsOverAt }
        /// The same for one whom none of its name has replaced.
        var timeIsOverAt: MonotonicInstant {
            min(owner.aliveUntil, grantedAt.advanced(byMilliseconds: GroupPlan.rebalanceMilliseconds))
        }
    }

    private var claims: [GroupPlace: Claim] = [:]

    /// Who has a partition by what was told last; nil where that was given up.
    func owner(of place: GroupPlace) -> MemberLife? { claims[place]?.owner }

    /// What a member was told to own and has not given up.
    func places(of life: MemberLife) -> [TopicPartition] {
        claims.filter { $0.value.owner === life }.map(\.key.place).sorted()
    }

    mutating func release(_ places: [TopicPartition], by life: MemberLife) {
        for place in places {
            let key = GroupPlace(group: life.group, place: place)
            if claims[key]?.owner === life { claims[key] = nil }
        }
        if !places.isEmpty { note(life, isGivingUp: false) }
    }

    private mutating func note(_ life: MemberLife, isGivingUp: Bool) {
        for (place, claim) in claims where claim.owner === life { claims[place]?.isGivingUp = isGivingUp }
    }

    mutating func releaseAll(by life: MemberLife) { claims = claims.filter { $0.value.owner !== life } }

    /// All is as it was: what it has it keeps. Its time to give something up goes on meanwhile.
    mutating func confirm(_ life: MemberLife, sentAt: MonotonicInstant) {
        for (place, claim) in claims where claim.owner === life && !claim.isGivingUp {
            claims[place]?.grantedAt = max(claim.grantedAt, sentAt)
        }
    }

    /// - Parameter places: all that it may own from now on; what else it had it is to give up.
    mutating func told(
        _ life: MemberLife, _ places: [TopicPartition], sentAt: MonotonicInstant, now: MonotonicInstant
    ) -> String? {
        defer { note(life, isGivingUp: self.places(of: life).contains { !places.contains($0) }) }
        for place in places.sorted() {
            let key = GroupPlace(group: life.group, place: place)
            guard let former = claims[key], former.owner !== life else {
                claims[key] = Claim(owner: life, toldAt: claims[key]?.toldAt ?? now, grantedAt: sentAt)
                continue
            }
            // What one is told whose name is another's may be of before, or be so: the other may have gone.
            if life.isSuperseded && former.endsAt > now { continue }
            let isReplaced = life.instanceID != nil && life.instanceID == former.owner.instanceID
            let ends = min(
                sentAt.advanced(byMilliseconds: GroupPlan.sessionMilliseconds),
                sentAt.advanced(byMilliseconds: GroupPlan.rebalanceMilliseconds))
            // An answer of before takes nothing from one that another of its name may have replaced, or not.
            if ends <= former.toldAt, former.timeIsOverAt > now, !isReplaced { continue }
            if isReplaced || former.endsAt <= now {
                claims[key] = Claim(owner: life, toldAt: now, grantedAt: sentAt)
            } else {
                return "groups: \(place) of \(life.group) is client \(life.number)'s, and client "
                    + "\(former.owner.number) has not given it up"
            }
        }
        return nil
    }
}
