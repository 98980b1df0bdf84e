import Primitives
import Replication
import Testing

/// A cache with two slots.
private final class SessionFixture {
    var core = FetchSessionCache(slots: 2)

    func begin(
        _ request: FetchSessionCache.Request, marked: [Int32] = [], isAnother: Bool = false, freshID: () -> Int32,
        now: MonotonicInstant
    ) throws(ReplicationError) -> FetchSessionCache.Plan {
        try core.begin(request, marked: { marked }, isAnother: isAnother, freshID: freshID, now: now)
    }

    func join(_ marked: [Int32], to plan: inout FetchSessionCache.Plan) -> Bool {
        core.join({ marked }, to: &plan)
    }

    func told(_ news: [FetchNews?], plan: FetchSessionCache.Plan) -> [Int] { core.told(news, plan: plan) }
}

@Suite("Fetch sessions") struct FetchSessionTests {
    private static let topic = TopicID(high: 1, low: 2)
    private let cache = SessionFixture()
    private let now = MonotonicInstant(0)

    private static func key(_ partition: Int32) -> FetchKey {
        FetchKey(topic: .id(topic), partition: PartitionIndex(partition))
    }

    private static func item(_ partition: Int32, at offset: Int64 = 0) -> FetchItem {
        FetchItem(
            key: key(partition),
            wish: FetchWish(
                offset: Offset(offset), currentLeaderEpoch: nil, lastFetchedEpoch: nil, logStart: nil, maxBytes: 100))
    }

    private func request(
        _ id: Int32 = 0, _ epoch: Int32, _ items: [FetchItem] = [], forgotten: [FetchKey] = [], usesIDs: Bool = true,
        principal: String = "User:a", isFollower: Bool = false
    ) -> FetchSessionCache.Request {
        FetchSessionCache.Request(
            sessionID: id, sessionEpoch: epoch, items: items, forgotten: forgotten, usesTopicIDs: usesIDs,
            principal: principal, isFollower: isFollower)
    }

    private func news(_ highWatermark: Int64, hasContent: Bool = false) -> FetchNews {
        FetchNews(
            error: .noError, highWatermark: Offset(highWatermark), logStart: .zero, hasContent: hasContent,
            isSettled: !hasContent)
    }

    private func partitions(_ plan: FetchSessionCache.Plan) -> [Int32] { plan.items.map(\.key.partition.value) }

    /// Opens session 7 with so many partitions, all of which have nothing more to say.
    private func open(_ count: Int32) throws {
        let full = try cache.begin(
            request(0, 0, (0..<count).map { FetchSessionTests.item($0) }), freshID: { 7 }, now: now)
        _ = cache.told(full.items.map { _ in news(1) }, plan: full)
    }

    @Test("A full fetch opens a session, whose next fetch names only what changed")
    func incremental() throws {
        let items = [FetchSessionTests.item(0), FetchSessionTests.item(1)]
        let full = try cache.begin(request(0, 0, items), freshID: { 77 }, now: now)
        #expect(full.sessionID == 77)
        #expect(!full.isIncremental)
        #expect(cache.told([news(3), news(4)], plan: full) == [0, 1])
        let next = try cache.begin(
            request(77, 1, [FetchSessionTests.item(1, at: 4)]), marked: [0], freshID: { 1 }, now: now)
        #expect(next.isIncremental)
        #expect(partitions(next) == [0, 1])
        #expect(next.items.map(\.wish.offset) == [Offset(0), Offset(4)])
        #expect(next.items.map(\.isNamed) == [false, true])
        #expect(cache.told([news(3), news(5)], plan: next) == [1])
        let third = try cache.begin(request(77, 2), marked: [0, 1], freshID: { 1 }, now: now)
        #expect(cache.told([news(3), news(5)], plan: next) == [0, 1], "a newer request came: tell all, remember none")
        #expect(cache.told([news(3, hasContent: true), news(5)], plan: third) == [0])
        let forgetting = request(77, 3, [FetchSessionTests.item(2)], forgotten: [FetchSessionTests.key(0)])
        let last = try cache.begin(forgetting, marked: [1], freshID: { 1 }, now: now)
        #expect(last.released == [0])
        #expect(partitions(last) == [1, 2])
    }

    @Test("A session of 10,000 partitions looks at those only that were named, marked, or have more to say")
    func visits() throws {
        try open(10_000)
        let idle = try cache.begin(request(7, 1), freshID: { 1 }, now: now)
        #expect(idle.items.isEmpty)
        #expect(cache.told([], plan: idle) == [])
        let named = [FetchSessionTests.item(9_000, at: 3)]
        var some = try cache.begin(request(7, 2, named), marked: [17, 4], freshID: { 1 }, now: now)
        #expect(partitions(some) == [17, 4, 9_000])
        #expect(cache.join([5, 17], to: &some))
        #expect(partitions(some) == [17, 4, 9_000, 5])
        #expect(cache.told([news(1), news(2), news(1, hasContent: true), news(1)], plan: some) == [1, 2])
        let next = try cache.begin(request(7, 3), freshID: { 1 }, now: now)
        #expect(partitions(next) == [9_000], "it may have more")
        _ = cache.told([news(1)], plan: next)
        #expect(try cache.begin(request(7, 4), freshID: { 1 }, now: now).items.isEmpty)
        let another = try cache.begin(request(7, 5), isAnother: true, freshID: { 1 }, now: now)
        #expect(another.items.count == 10_000, "who asks is another one: all may be answered otherwise")
    }

    @Test("A follower that names a partition is told all of it again: it may have dropped what it was told before")
    func namedByFollower() throws {
        for isFollower in [true, false] {
            let cache = SessionFixture()
            let items = [FetchSessionTests.item(0), FetchSessionTests.item(1)]
            let full = try cache.begin(request(0, 0, items, isFollower: isFollower), freshID: { 7 }, now: now)
            #expect(cache.told([news(3), news(3)], plan: full) == [0, 1])
            let next = try cache.begin(
                request(7, 1, [FetchSessionTests.item(1)], isFollower: isFollower), marked: [0], freshID: { 1 },
                now: now)
            #expect(partitions(next) == [0, 1])
            #expect(cache.told([news(3), news(3)], plan: next) == (isFollower ? [1] : []))
        }
    }

    @Test("A mark is never lost: not one that comes between a look and its answer, nor one for a plan that is over")
    func marks() throws {
        try open(3)
        let first = try cache.begin(request(7, 1), marked: [1], freshID: { 1 }, now: now)
        // It was looked at; then it is marked again; then the answer is settled.
        #expect(cache.told([news(1)], plan: first) == [])
        let second = try cache.begin(request(7, 2), marked: [1], freshID: { 1 }, now: now)
        #expect(partitions(second) == [1])
        // Given up without an answer: what was due stays so, and the old plan takes nothing from the new one.
        var third = try cache.begin(request(7, 3), marked: [2], freshID: { 1 }, now: now)
        #expect(partitions(third) == [1, 2])
        var old = second
        #expect(!cache.join([0], to: &old))
        #expect(cache.told([news(1)], plan: second) == [0])
        #expect(cache.join([0], to: &third))
        #expect(partitions(third) == [1, 2, 0])
        // Refused requests take no marks.
        #expect(throws: ReplicationError(.invalidFetchSessionEpoch)) {
            try cache.core.begin(request(7, 9), marked: { [Int32(0)] }, freshID: { 1 }, now: now)
        }
        // An error and what was not looked at stay due.
        let failed = FetchNews(error: .notLeaderOrFollower, highWatermark: nil, logStart: nil, hasContent: false)
        #expect(cache.told([failed, nil, news(1)], plan: third) == [0])
        #expect(partitions(try cache.begin(request(7, 4), freshID: { 1 }, now: now)) == [1, 2])
    }

    @Test("A slot that is forgotten may be another partition's; its old marks harm nobody")
    func slots() throws {
        try open(3)
        let forgetting = request(
            7, 1, [FetchSessionTests.item(5)], forgotten: [FetchSessionTests.key(1), FetchSessionTests.key(8)])
        let plan = try cache.begin(forgetting, marked: [1], freshID: { 1 }, now: now)
        #expect(plan.released == [1])
        #expect(plan.items.map(\.slot) == [1] && partitions(plan) == [5])
        _ = cache.told([news(1)], plan: plan)
        let gone = try cache.begin(
            request(7, 2, forgotten: [FetchSessionTests.key(5)]), freshID: { 1 }, now: now)
        #expect(gone.items.isEmpty)
        #expect(try cache.begin(request(7, 3), marked: [1], freshID: { 1 }, now: now).items.isEmpty)
    }

    @Test("Wrong id, epoch, kind of topic name and principal have their errors")
    func errors() throws {
        _ = try cache.begin(request(0, 0, [FetchSessionTests.item(0)]), freshID: { 5 }, now: now)
        #expect(throws: ReplicationError(.fetchSessionIDNotFound)) {
            try cache.begin(request(6, 1), freshID: { 1 }, now: now)
        }
        #expect(throws: ReplicationError(.invalidFetchSessionEpoch)) {
            try cache.begin(request(5, 2), freshID: { 1 }, now: now)
        }
        #expect(throws: ReplicationError(.fetchSessionTopicIDError)) {
            try cache.begin(request(5, 1, usesIDs: false), freshID: { 1 }, now: now)
        }
        #expect(throws: ReplicationError(.fetchSessionIDNotFound)) {
            try cache.begin(request(5, 1, principal: "User:b"), freshID: { 1 }, now: now)
        }
        _ = try cache.begin(request(5, 1), freshID: { 1 }, now: now)
    }

    @Test("A fetch without a session closes the one it names; one that empties its session ends it")
    func ends() throws {
        _ = try cache.begin(request(0, 0, [FetchSessionTests.item(0)]), freshID: { 5 }, now: now)
        let last = try cache.begin(request(5, -1, [FetchSessionTests.item(0)]), freshID: { 1 }, now: now)
        #expect(last.sessionID == 0)
        #expect(cache.core.count == 0)
        _ = try cache.begin(request(0, 0, [FetchSessionTests.item(0)]), freshID: { 6 }, now: now)
        let emptied = try cache.begin(
            request(6, 1, forgotten: [FetchSessionTests.key(0)]), freshID: { 1 }, now: now)
        #expect(emptied.sessionID == 0)
        #expect(cache.core.count == 0)
    }

    @Test("A full cache gives way to followers, to larger sessions after a while, and else refuses")
    func eviction() throws {
        _ = try cache.begin(request(0, 0, [FetchSessionTests.item(0)]), freshID: { 1 }, now: now)
        _ = try cache.begin(
            request(0, 0, [FetchSessionTests.item(0), FetchSessionTests.item(1)]), freshID: { 2 }, now: now)
        let third = try cache.begin(request(0, 0, [FetchSessionTests.item(0)]), freshID: { 3 }, now: now)
        #expect(third.sessionID == 0, "both others are young")
        let follower = try cache.begin(
            request(0, 0, [FetchSessionTests.item(0)], isFollower: true), freshID: { 4 }, now: now)
        #expect(follower.sessionID == 4)
        #expect(throws: ReplicationError(.fetchSessionIDNotFound)) {
            try cache.begin(request(1, 1), freshID: { 1 }, now: now)
        }
        let later = now.advanced(byMilliseconds: FetchSessionCache.protectedMilliseconds + 1)
        _ = try cache.begin(request(4, 1), freshID: { 1 }, now: later)
        let next = try cache.begin(request(0, 0, [FetchSessionTests.item(0)]), freshID: { 5 }, now: later)
        #expect(next.sessionID == 5, "the idle one goes")
        #expect(cache.core.count == 2)
    }

    @Test("Partitions take turns: what was served goes behind all that wait for it")
    func turns() throws {
        let items = (0..<3).map { FetchSessionTests.item($0) }
        let full = try cache.begin(request(0, 0, items), freshID: { 7 }, now: now)
        _ = cache.told([news(1, hasContent: true), nil, nil], plan: full)
        let next = try cache.begin(request(7, 1), freshID: { 1 }, now: now)
        #expect(partitions(next) == [1, 2, 0])
        #expect(cache.told([news(2, hasContent: true), news(2, hasContent: true), nil], plan: next) == [0, 1])
        let last = try cache.begin(request(7, 2), freshID: { 1 }, now: now)
        #expect(partitions(last) == [0, 1, 2])
    }

    @Test("What ends is named once, however it ends: closed, emptied, or made room for")
    func ended() throws {
        try open(1)
        _ = try cache.begin(request(7, -1, [FetchSessionTests.item(0)]), freshID: { 1 }, now: now)
        #expect(cache.core.takeEnded() == [7])
        try open(1)
        _ = try cache.begin(request(7, 1, forgotten: [FetchSessionTests.key(0)]), freshID: { 1 }, now: now)
        #expect(cache.core.takeEnded() == [7])
        for id in Int32(1)...3 {
            _ = try cache.begin(
                request(0, 0, [FetchSessionTests.item(0)], isFollower: id == 3), freshID: { id }, now: now)
        }
        #expect(cache.core.takeEnded() == [1])
        #expect(cache.core.takeEnded() == [])
    }

    @Test("The fetching side sends all at first, then only changes, and all again after an error")
    func builder() {
        var builder = FetchSessionBuilder()
        builder.set(FetchSessionTests.key(0), FetchSessionTests.item(0).wish)
        builder.set(FetchSessionTests.key(1), FetchSessionTests.item(1).wish)
        let full = builder.next()
        #expect(full.sessionID == 0 && full.sessionEpoch == 0 && full.items.count == 2)
        builder.answered(sessionID: 9)
        builder.set(FetchSessionTests.key(0), FetchSessionTests.item(0, at: 4).wish)
        builder.set(FetchSessionTests.key(1), FetchSessionTests.item(1).wish)
        let second = builder.next()
        #expect(second.sessionID == 9 && second.sessionEpoch == 1)
        #expect(second.items == [FetchSessionTests.item(0, at: 4)])
        builder.answered(sessionID: 9)
        builder.remove(FetchSessionTests.key(0))
        let third = builder.next()
        #expect(third.items.isEmpty && third.forgotten == [FetchSessionTests.key(0)])
        builder.failed(.fetchSessionIDNotFound)
        let again = builder.next()
        #expect(again.sessionID == 0 && again.sessionEpoch == 0)
        #expect(again.items == [FetchSessionTests.item(1)])
    }

    @Test("A partition that is forgotten and added again before the next request is only updated")
    func builderAddsBack() {
        var builder = FetchSessionBuilder()
        builder.set(FetchSessionTests.key(0), FetchSessionTests.item(0).wish)
        _ = builder.next()
        builder.answered(sessionID: 3)
        builder.remove(FetchSessionTests.key(0))
        builder.set(FetchSessionTests.key(0), FetchSessionTests.item(0).wish)
        let plan = builder.next()
        #expect(plan.forgotten.isEmpty)
        #expect(plan.items.count == 1)
    }
}
