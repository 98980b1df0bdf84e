import ClientCore
import Primitives
import Testing

@testable import Simulator

@Suite("What is true of simulated groups") struct GroupTruthTests {
    private static let place = TopicPartition("orders", PartitionIndex(0))
    private static let key = GroupPlace(group: "g", place: place)

    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(0).advanced(byMilliseconds: milliseconds)
    }

    private func life(_ number: Int, as instanceID: String? = nil, isClassic: Bool = true) -> MemberLife {
        MemberLife(group: "g", number: number, instanceID: instanceID, isClassic: isClassic)
    }

    @Test("a partition that one member was told to own is not another's before it was given up, or the time is over")
    func ownership() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        var owners = OneOwnerAtATime()
        let (first, second) = (life(1), life(2))
        truth.heard(first, sentAt: at(0))
        truth.heard(second, sentAt: at(0))
        #expect(owners.told(first, [Self.place], sentAt: at(0), now: at(10)) == nil)
        #expect(owners.told(first, [Self.place], sentAt: at(20), now: at(30)) == nil)
        #expect(owners.told(second, [Self.place], sentAt: at(100), now: at(110)) != nil)
        #expect(owners.owner(of: Self.key) === first)

        owners.release([Self.place], by: first)
        #expect(owners.told(second, [Self.place], sentAt: at(100), now: at(110)) == nil)
        #expect(owners.owner(of: Self.key) === second && owners.places(of: second) == [Self.place])
        // The session of the second may be over, 2 s after it was heard of last.
        #expect(owners.told(first, [Self.place], sentAt: at(1_990), now: at(1_999)) != nil)
        #expect(owners.told(first, [Self.place], sentAt: at(1_990), now: at(2_000)) == nil)
    }

    @Test("a late answer of before a member was thrown out takes nothing back; who comes in one's name does")
    func lateAnswers() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        var owners = OneOwnerAtATime()
        let (first, second) = (life(1), life(2))
        truth.heard(second, sentAt: at(5_000))
        #expect(owners.told(second, [Self.place], sentAt: at(5_000), now: at(5_100)) == nil)
        #expect(owners.told(first, [Self.place], sentAt: at(1_000), now: at(5_200)) == nil)
        #expect(owners.owner(of: Self.key) === second)

        var named = OneOwnerAtATime()
        let (old, new) = (life(3, as: "one"), life(4, as: "one"))
        truth.heard(old, sentAt: at(0))
        #expect(named.told(old, [Self.place], sentAt: at(0), now: at(1)) == nil)
        #expect(named.told(new, [Self.place], sentAt: at(2), now: at(3)) == nil)
        #expect(named.owner(of: Self.key) === new)
    }

    @Test("a late answer takes nothing from one whose name another life may have, as long as its session can last")
    func lateAnswerBesideTwoOfOneName() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        var owners = OneOwnerAtATime()
        let (elder, younger) = (life(1, as: "one", isClassic: false), life(2, as: "one", isClassic: false))
        let late = life(3, as: "two", isClassic: false)
        truth.began(elder)
        truth.began(younger)
        truth.heard(elder, sentAt: at(5_000))
        #expect(elder.isSuperseded)
        #expect(owners.told(elder, [Self.place], sentAt: at(5_000), now: at(5_100)) == nil)
        #expect(owners.told(late, [Self.place], sentAt: at(1_000), now: at(5_200)) == nil)
        #expect(owners.owner(of: Self.key) === elder)
        #expect(owners.told(late, [Self.place], sentAt: at(4_000), now: at(5_300)) == nil)
        #expect(owners.owner(of: Self.key) === late, "what the one is told now whom another replaced")
    }

    @Test("what a member is told after its good-bye it does not own")
    func toldTooLate() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        let (first, second) = (life(1), life(2))
        truth.heard(first, sentAt: at(0))
        truth.heard(second, sentAt: at(0))
        truth.left(first)
        #expect(truth.told(first, [Self.place], epoch: 0, sentAt: at(0)) == nil)
        #expect(truth.told(second, [Self.place], epoch: 0, sentAt: at(0)) == nil)
        #expect(truth.told(life(3), [Self.place], epoch: 0, sentAt: at(0)) != nil, "the second has not gone")
    }

    @Test("who does not give up in time what it has to may be thrown out with all that it has")
    func slowRevocation() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        var owners = OneOwnerAtATime()
        let (slow, other) = (life(1), life(2))
        let kept = TopicPartition("orders", PartitionIndex(1))
        #expect(owners.told(slow, [Self.place, kept], sentAt: at(0), now: at(1)) == nil)
        #expect(owners.told(slow, [kept], sentAt: at(1_000), now: at(1_001)) == nil)
        for time in stride(from: 1_300 as Int64, to: 4_000, by: 300) {
            truth.heard(slow, sentAt: at(time))
            owners.confirm(slow, sentAt: at(time))
        }
        #expect(owners.told(other, [kept], sentAt: at(3_900), now: at(3_999)) != nil)
        #expect(owners.told(other, [kept], sentAt: at(3_900), now: at(4_000)) == nil)
    }

    @Test("the elder of two of one name owns again what it is told when the other has gone, and not before that")
    func eldersOfAName() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        var owners = OneOwnerAtATime()
        let (elder, other) = (life(1, as: "one"), life(2))
        truth.began(elder)
        truth.began(life(3, as: "one"))
        truth.heard(other, sentAt: at(0))
        #expect(owners.told(other, [Self.place], sentAt: at(0), now: at(1)) == nil)
        #expect(owners.told(elder, [Self.place], sentAt: at(1_500), now: at(1_600)) == nil)
        #expect(owners.owner(of: Self.key) === other)
        #expect(owners.told(elder, [Self.place], sentAt: at(2_500), now: at(2_600)) == nil)
        #expect(owners.owner(of: Self.key) === elder)
    }

    @Test("the younger of two of one name owns nothing for sure once the elder has asked for the name again")
    func namesTakenBack() {
        let truth = GroupTruth(VirtualTime(seed: 1))
        let (elder, younger, other) = (life(1, as: "one"), life(2, as: "one", isClassic: false), life(3))
        for life in [elder, younger, other] {
            truth.began(life)
            truth.heard(life, sentAt: at(0))
        }
        func isTaken(by life: MemberLife) -> Bool {
            truth.told(life, [Self.place], epoch: 0, sentAt: at(0)) == nil
                && truth.ownership.owner(of: Self.key) === life
        }
        truth.asksForName(younger)
        truth.askedForName(younger)
        #expect(isTaken(by: younger))
        #expect(!isTaken(by: other))
        truth.asksForName(elder)
        #expect(isTaken(by: other), "the elder may be the member by now, and its share another one")
        truth.left(other)
        truth.askedForName(elder)
        #expect(isTaken(by: elder))
        #expect(!isTaken(by: life(4)), "it asked last")

        // What the elder asks now is not answered: it may arrive when the younger one is the member.
        truth.asksForName(elder)
        truth.asksForName(younger)
        truth.releasedAll(by: elder)
        #expect(isTaken(by: younger))
        #expect(isTaken(by: life(5)))

        let consumers = [life(6, as: "two", isClassic: false), life(7, as: "two", isClassic: false)]
        for life in consumers {
            truth.began(life)
            truth.heard(life, sentAt: at(0))
        }
        truth.releasedAll(by: truth.ownership.owner(of: Self.key) ?? younger)
        #expect(isTaken(by: consumers[1]))
        truth.asksForName(consumers[0])
        #expect(!isTaken(by: other) && !isTaken(by: life(8)), "by the consumer protocol nobody is replaced")
    }

    @Test("what was acknowledged is told until it is overwritten, and an unknown commit may be so, but not be undone")
    func offsets() {
        var offsets = OffsetsAreKept()
        func write(_ offset: Int64) {
            _ = offsets.written(Self.key, Offset(offset), at: at(0), isSubscribed: true)
        }
        #expect(offsets.read(Self.key, nil, from: at(0), at: at(1)) == nil)
        #expect(offsets.read(Self.key, Offset(0), from: at(0), at: at(1)) != nil, "nothing is not 0")
        let first = offsets.begin(Self.key, Offset(5), at: at(10), isLate: false)
        #expect(offsets.end(first, of: Self.key, isAccepted: true, at: at(11)) != nil, "it is not in the log")
        write(5)
        #expect(offsets.end(first, of: Self.key, isAccepted: true, at: at(12)) == nil)
        #expect(offsets.read(Self.key, nil, from: at(13), at: at(14)) != nil)
        let second = offsets.begin(Self.key, Offset(7), at: at(20), isLate: false)
        #expect(offsets.end(second, of: Self.key, isAccepted: nil, at: at(30)) == nil)
        #expect(offsets.read(Self.key, Offset(5), from: at(40), at: at(41)) == nil)
        #expect(offsets.read(Self.key, Offset(7), from: at(45), at: at(46))?.hasPrefix("rule 32") == true)
        write(7)
        #expect(offsets.read(Self.key, Offset(7), from: at(50), at: at(51)) == nil)
        #expect(offsets.read(Self.key, Offset(5), from: at(60), at: at(61)) != nil, "it was told 7 since")
        let refused = offsets.begin(Self.key, Offset(9), at: at(70), isLate: false)
        #expect(offsets.end(refused, of: Self.key, isAccepted: false, at: at(71)) == nil)
        #expect(offsets.read(Self.key, Offset(9), from: at(80), at: at(81)) != nil)
        #expect(offsets.newest(Self.key) == Offset(7))
    }

    @Test("a commit of one whose partition is another's must be refused; a subscribed group's offset stays")
    func lateCommits() {
        var offsets = OffsetsAreKept()
        let late = offsets.begin(Self.key, Offset(5), at: at(0), isLate: true)
        _ = offsets.written(Self.key, Offset(5), at: at(1), isSubscribed: true)
        #expect(offsets.end(late, of: Self.key, isAccepted: true, at: at(2))?.hasPrefix("rule 33") == true)
        #expect(offsets.written(Self.key, nil, at: at(3), isSubscribed: false) == nil)
        #expect(offsets.read(Self.key, nil, from: at(4), at: at(5)) == nil)
        #expect(offsets.written(Self.key, nil, at: at(6), isSubscribed: true)?.hasPrefix("rule 34") == true)
    }

    @Test("epochs that are told are committed; what was processed is known as ranges")
    func epochsAndRanges() {
        var epochs = ToldEpochsAreCommitted()
        epochs.written(3, of: "g")
        epochs.written(nil, of: "g")
        #expect(epochs.violation(3, toldIn: "g") == nil && epochs.violation(4, toldIn: "g") != nil)
        var ranges = ProcessedRanges()
        for (start, end) in [(0, 5), (8, 9), (4, 8)] { ranges.add(Offset(Int64(start))..<Offset(Int64(end))) }
        #expect(ranges.ranges == [Offset(0)..<Offset(9)])
        #expect(ranges.missing(below: Offset(9)) == nil && ranges.missing(below: Offset(10)) == Offset(9))
    }
}
