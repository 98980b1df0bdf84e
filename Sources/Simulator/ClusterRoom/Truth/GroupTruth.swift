import ClientCore
import Metadata
import Primitives

/// One life of a member, as the wires show it.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class MemberLife: @unchecked Sendable {
    let group: String
    /// The number of its client.
    let number: Int
    let instanceID: String?
    /// By which of the two protocols it speaks.
    let isClassic: Bool
    /// When the last request was sent that the coordinator answered as one of a member: it has been heard of since.
    fileprivate(set) var heardAt = MonotonicInstant(0)
    /// Another life of its name has begun, or may be the member by now: what is still told to this one is of before.
    fileprivate(set) var isSuperseded = false
    /// How many of its requests for its name may still arrive.
    fileprivate var openRequests = 0

    /// It has said good-bye, or is about to: what is still told to it, it does not take.
    fileprivate(set) var hasLeft = false

    init(group: String, number: Int, instanceID: String?, isClassic: Bool) {
        self.group = group
        self.number = number
        self.instanceID = instanceID
        self.isClassic = isClassic
    }

    /// Whether what another was told to own is this life's now. Of two of one name whoever joined last is the member,
    /// the elder one too if it joins anew: neither is called late.
    func isInThePlace(of other: MemberLife) -> Bool {
        self !== other && !other.isSuperseded && (instanceID == nil || instanceID != other.instanceID)
    }

    /// Until then its session can't have ended.
    var aliveUntil: MonotonicInstant { heardAt.advanced(byMilliseconds: GroupPlan.sessionMilliseconds) }
}

/// A partition that a group reads.
struct GroupPlace: Hashable, Comparable {
    let group: String
    let place: TopicPartition

    static func < (left: GroupPlace, right: GroupPlace) -> Bool {
        left.group == right.group ? left.place < right.place : left.group < right.group
    }
}

/// What is true of the groups of a simulated cluster: what their members were told and what they said, by the wires,
/// and what lies on the disks of `__consumer_offsets`.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class GroupTruth: @unchecked Sendable {
    static let topicName = "__consumer_offsets"

    private let time: VirtualTime
    var ownership = OneOwnerAtATime()
    var offsets = OffsetsAreKept()
    var epochs = ToldEpochsAreCommitted()
    /// How far the committed part of each partition of the log was read.
    private var readEnds: [TopicPartitionID: Offset] = [:]
    /// What of each partition was processed by a member of a group.
    private(set) var processed: [GroupPlace: ProcessedRanges] = [:]
    private var lives: [MemberLife] = []
    /// The groups that may have been without members for a moment since a partition's offset was committed last.
    private var mayHaveBeenEmpty: Set<String> = []

    init(_ time: VirtualTime) { self.time = time }

    /// The partition of the log that a group belongs to: Java's hash of its name, without the sign.
    static func partition(of group: String, among count: Int) -> Int {
        let hash = group.utf16.reduce(Int32(0)) { $0 &* 31 &+ Int32($1) }
        return Int(hash & .max) % count
    }

    // MARK: members

    /// A life begins; those of its name are over for the group as soon as that joins.
    func began(_ life: MemberLife) {
        for former in lives where former.group == life.group {
            if let name = life.instanceID, former.instanceID == name { former.isSuperseded = true }
        }
        lives.append(life)
    }

    /// A life asks to be the member of its name, again where it was that before. The coordinator has it replace another
    /// one at once, who hears of that with its next heartbeat: what that one has may be anybody's until then. Of two by
    /// the consumer protocol the first one stays.
    func asksForName(_ life: MemberLife) {
        guard let name = life.instanceID else { return }
        let others = lives.filter {
            $0 !== life && $0.group == life.group && $0.instanceID == name && ($0.isClassic || life.isClassic)
        }
        for other in others { other.isSuperseded = true }
        // Who asked last is the member, unless what another one has asked may arrive later.
        if !others.isEmpty { life.isSuperseded = others.contains { $0.openRequests > 0 } }
        life.openRequests += 1
    }

    /// What a life asked has been done or refused: it will not be done later.
    func askedForName(_ life: MemberLife) { life.openRequests -= 1 }

    /// The coordinator has answered a request as one of a member.
    func heard(_ life: MemberLife, sentAt: MonotonicInstant) {
        if !hasMember(life.group, at: sentAt) { mayHaveBeenEmpty.insert(life.group) }
        life.heardAt = max(life.heardAt, sentAt)
        if !lives.contains(where: { $0 === life }) { lives.append(life) }
    }

    /// Whether somebody is a member for sure: it has not left, and its session can't have ended.
    private func hasMember(_ group: String, at instant: MonotonicInstant) -> Bool {
        lives.contains { life in
            life.group == group && !life.hasLeft && life.heardAt > MonotonicInstant(0) && instant < life.aliveUntil
        }
    }

    /// Members leave: the group may be without any from here on, until somebody commits again.
    func mayBeEmpty(_ group: String) { mayHaveBeenEmpty.insert(group) }

    /// A member gives up all that it has and what it may be told yet, for good.
    func left(_ life: MemberLife) {
        mayBeEmpty(life.group)
        life.hasLeft = true
        ownership.releaseAll(by: life)
    }

    /// A member says, or is about to, that it owns these no more.
    func released(_ places: [TopicPartition], by life: MemberLife) { ownership.release(places, by: life) }

    /// All of them.
    func releasedAll(by life: MemberLife) { ownership.releaseAll(by: life) }

    /// A member was told that it has these now, and has them until it gives them up.
    ///
    /// - Returns: the rule that is broken; nil for none.
    func told(
        _ life: MemberLife, _ places: [TopicPartition], epoch: Int32, sentAt: MonotonicInstant
    ) -> String? {
        if let reason = epochs.violation(epoch, toldIn: life.group) { return reason }
        if life.hasLeft { return nil }
        return ownership.told(life, places, sentAt: sentAt, now: time.now)
    }

    /// A member was told its epoch, or that all is as it was.
    func confirmed(_ life: MemberLife, epoch: Int32, sentAt: MonotonicInstant) -> String? {
        ownership.confirm(life, sentAt: sentAt)
        return epochs.violation(epoch, toldIn: life.group)
    }

    // MARK: records

    func process(_ range: Range<Offset>, of place: TopicPartition, by life: MemberLife) {
        processed[GroupPlace(group: life.group, place: place), default: ProcessedRanges()].add(range)
    }

    // MARK: disks

    /// Something became committed in a partition of the coordinators' log: reads it from the disk of a replica.
    ///
    /// - Returns: the rule that is broken; nil for none.
    func look(at partition: PartitionTruth, _ machines: [SimulatedMachine]) -> String? {
        let from = readEnds[partition.id] ?? .zero
        let end = partition.committed.end
        guard from < end else { return nil }
        let due = partition.committed.batches(from: from)
        for replica in partition.all {
            let log = replica.disk
            let first = log.index(behind: from)
            // Of a machine that is off the disk may be another by now.
            guard replica.witness != nil, !log.needsRefresh, replica.rot == nil,
                log.batches[first...].starts(with: due)
            else { continue }
            readEnds[partition.id] = end
            for index in first..<(first + due.count) {
                let records = CoordinatorLogRecord.read(log, index, machines[replica.node - 1].files)
                for record in records { if let reason = take(record) { return reason } }
            }
            return nil
        }
        return nil
    }

    private func take(_ record: CoordinatorLogRecord) -> String? {
        switch record {
        case .offset(let place, let offset):
            let isAlive = hasMember(place.group, at: time.now)
            // The last commit of one that has left says no more that there is a member.
            if offset != nil, isAlive { mayHaveBeenEmpty.remove(place.group) }
            return offsets.written(
                place, offset, at: time.now, isSubscribed: isAlive && !mayHaveBeenEmpty.contains(place.group))
        case .epoch(let group, let epoch): epochs.written(epoch, of: group)
        }
        return nil
    }
}

/// Which offsets were processed, as ranges in order.
struct ProcessedRanges {
    private(set) var ranges: [Range<Offset>] = []

    mutating func add(_ range: Range<Offset>) {
        guard !range.isEmpty else { return }
        var merged = range
        var kept: [Range<Offset>] = []
        for one in ranges {
            if one.upperBound < merged.lowerBound || merged.upperBound < one.lowerBound {
                kept.append(one)
            } else {
                merged = min(one.lowerBound, merged.lowerBound)..<max(one.upperBound, merged.upperBound)
            }
        }
        ranges = (kept + [merged]).sorted { $0.lowerBound < $1.lowerBound }
    }

    /// The first offset below `end` that was not processed; nil where all were.
    func missing(below end: Offset) -> Offset? {
        var next = Offset.zero
        for range in ranges {
            if range.lowerBound > next { return next }
            next = max(next, range.upperBound)
        }
        return next < end ? next : nil
    }
}
