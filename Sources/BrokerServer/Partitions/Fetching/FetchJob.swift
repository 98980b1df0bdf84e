import LogStorage
import Primitives
import Replication
import Synchronization
import WireMessages
import World

/// One Fetch request from its arrival to its answer: reads, waits for more where there is too little, answers.
///
/// `@unchecked Sendable`: touched on its connection's loop only, but `wake`, which goes there.
final class FetchJob: ParkedFetch, WaitingRequest, @unchecked Sendable {
    /// Longest wait that a request can ask for.
    static let waitMillisecondsMax: Int64 = 60_000

    /// And not the whole context: its bytes lie in the connection's receive buffer.
    private let connection: ConnectionIdentity
    private let reply: Reply<FetchResponse>
    private var plan: FetchSessionCache.Plan
    /// What its session is told by; nil without one.
    private let watch: SessionWatch?
    private let requester: FetchRequester
    /// Of each item of the plan.
    private var places: [FetchPlace]
    private let rack: String
    private let minBytes: Int
    private let maxBytes: Int
    private let services: FetchServices
    private let deadlines: FetchDeadlines
    let deadline: MonotonicInstant
    /// Its place among those that wait on its loop.
    var place: Int?

    private var isOver = false
    /// Whether some partition may have it among those that wait there.
    private var isParked = false
    private let isWoken = Atomic(false)

    init(
        _ request: FetchRequest, plan: FetchSessionCache.Plan, watch: SessionWatch?, requester: FetchRequester,
        places: [FetchPlace], services: FetchServices, deadlines: FetchDeadlines, context: RequestContext,
        reply: Reply<FetchResponse>
    ) {
        self.plan = plan
        self.watch = watch
        self.requester = requester
        self.places = places
        rack = requester.mayReadFollower ? request.rackID : ""
        minBytes = Int(request.minBytes)
        maxBytes = min(Int(max(request.maxBytes, 0)), services.bytesMax)
        self.services = services
        self.deadlines = deadlines
        connection = context.connection
        self.reply = reply
        let wait = min(Int64(max(request.maxWaitMilliseconds, 0)), FetchJob.waitMillisecondsMax)
        deadline = context.receivedAt.advanced(byMilliseconds: wait)
    }

    /// Reads, and answers or waits.
    func run() {
        let mayWait = services.clock.now < deadline
        readAll(mayPark: mayWait)
        if !isParked {
            if !mayWait || isSatisfied { return answer() }
            wait()
        }
        deadlines.add(self)
        if requester.isFollower { connection.waits(self) }
    }

    /// With a session it waits there, however many partitions that has; without one at each of its partitions.
    private func wait() {
        guard let watch else { return park() }
        // What happened since it looked is looked at as if it happened now.
        if !watch.wait(self) { wake() }
    }

    /// From any thread: there may be more to read at one of its partitions.
    func wake() {
        if isWoken.exchange(true, ordering: .relaxed) { return }
        let loop = connection.loop
        if loop.isCurrent {
            loop.atEndOfRound { self.lookAgain() }
        } else {
            loop.execute { self.lookAgain() }
        }
    }

    func expired() {
        if isOver { return }
        if let watch { _ = services.join(watch, &plan, &places) }
        readAll(mayPark: false)
        answer()
    }

    /// A follower has something new to ask for. Consumers are not answered early: one that always has the next fetch on
    /// its way would go round and round.
    func hasten() { expired() }

    private func lookAgain() {
        isWoken.store(false, ordering: .relaxed)
        if isOver { return }
        if let watch { return lookAgain(watch) }
        // Who wakes it forgets it: where there is one partition, nobody has it any more.
        if places.count == 1 { isParked = false }
        readAll(mayPark: !isParked)
        if places.count == 1, isParked { return }
        if isSatisfied { return answer() }
        unpark()
        park()
    }

    /// Looks at what its session was told of.
    private func lookAgain(_ watch: SessionWatch) {
        let isOn = services.join(watch, &plan, &places)
        readAll(mayPark: false)
        // A session that is over has no more to say: its client is told so when it asks next.
        if !isOn || isSatisfied { return answer() }
        wait()
    }

    private var isSatisfied: Bool {
        if minBytes <= 0 || (plan.items.isEmpty && plan.sessionID == 0) { return true }
        var bytes = 0
        for index in places.indices where places[index].wasRead {
            if places[index].read.isUrgent { return true }
            bytes += places[index].read.byteCount
        }
        return bytes >= minBytes
    }

    /// - Parameter mayPark: whether a fetch of one partition may be left there in the same step, where there is too
    ///   little to read.
    private func readAll(mayPark: Bool) {
        var left = maxBytes
        let parking =
            mayPark && watch == nil && places.count == 1 ? FetchParking(fetch: self, minBytes: minBytes) : nil
        var hasAny = false
        var looks: UInt64 = 0
        for index in places.indices {
            // A full answer has no room for what the request does not name: its turn comes with the next one.
            places[index].wasRead =
                !plan.isIncremental || left > 0 || !hasAny || (plan.items[index].isNamed && places[index].isFirst)
            guard let partition = places[index].partition else { continue }
            guard places[index].wasRead else {
                places[index].read = FetchRead()
                continue
            }
            let isFirst = places[index].isFirst
            let nearby =
                isFirst && !rack.isEmpty
                ? services.nearby(partition, rack: rack, listener: connection.listener.name) : []
            places[index].read = partition.read(
                plan.items[index].wish, requester, FetchRoom(maxBytes: left, minOneMessage: !hasAny), isFirst: isFirst,
                nearby: nearby, parking: parking, watch: places[index].watch)
            places[index].isFirst = false
            looks += 1
            let got = places[index].read.byteCount
            isParked = isParked || places[index].read.isParked
            left = max(left - got, 0)
            hasAny = hasAny || got > 0
        }
        services.looks.wrappingAdd(looks, ordering: .relaxed)
    }

    /// Leaves word at each partition, with where its reading ended; a partition that has more by now wakes it at once.
    private func park() {
        isParked = true
        for index in places.indices {
            let goal = FetchGoal(behind: places[index].read, requester, plan.items[index].wish)
            places[index].partition?.park(self, until: goal)
        }
    }

    private func unpark() {
        watch?.leave(self)
        if !isParked { return }
        isParked = false
        for place in places { place.partition?.unpark(self) }
    }

    private func answer() {
        isOver = true
        if requester.isFollower { connection.waits(nil) }
        deadlines.remove(self)
        unpark()
        var cold: [Int] = []
        var looksUp = -1
        for index in places.indices {
            if places[index].read.mayWaitForDisk { cold.append(index) }
            if places[index].read.abortedLookup != nil { looksUp = index }
        }
        let answer = FetchAnswer(plan: plan, places: places, requester: requester, listener: connection.listener.name)
        let first = cold.first ?? looksUp
        guard first >= 0, let disk = places[first].partition?.disk else {
            services.send(answer, reply)
            return count()
        }
        count()
        // Reading it may wait for a disk: not on the loop.
        disk.pool.run { [cold] in
            var checked = answer
            checked.check(cold)
            checked.findAborted()
            let whole = checked
            self.connection.loop.execute { self.services.send(whole, self.reply) }
        }
    }

    /// What was read, for the metrics and the throttle.
    private func count() {
        var throttled = 0
        for index in places.indices where places[index].wasRead {
            let bytes = places[index].read.byteCount
            places[index].partition?.traffic.fetched(
                bytes: bytes, isFollower: requester.isFollower, isError: places[index].read.error != .noError)
            if places[index].read.isThrottled { throttled += bytes }
        }
        if throttled > 0 { services.leaderThrottle.record(bytes: throttled, now: services.clock.now) }
    }
}
