import LogStorage
import Primitives
import Replication
import Synchronization
import WireMessages
import World

/// One Fetch request from its arrival to its answer: reads, waits for more where there is too little, answers.
///
/// `@unchecked Sendable`: touched on its connection's loop only, but `wake`, which goes there.
final class FetchJob: ParkedFetch, @unchecked Sendable {
    /// Longest wait that a request can ask for.
    static let waitMillisecondsMax: Int64 = 60_000

    /// And not the whole context: its bytes lie in the connection's receive buffer.
    private let connection: ConnectionIdentity
    private let reply: Reply<FetchResponse>
    private let plan: FetchSessionCache.Plan
    private let requester: FetchRequester
    /// Of each item of the plan: the partition, if there is one to read here.
    private let partitions: [Partition?]
    private let rack: String
    private let minBytes: Int
    private let maxBytes: Int
    private let services: FetchServices
    private let deadlines: FetchDeadlines
    let deadline: MonotonicInstant
    /// Its place among those that wait on its loop.
    var place: Int?

    /// What each item's partition says; the refusal where there is none.
    private var reads: [FetchRead]
    private var isOver = false
    private var isFirst = true
    /// Whether some partition may have it among those that wait there.
    private var isParked = false
    private let isWoken = Atomic(false)

    init(
        _ request: FetchRequest, plan: FetchSessionCache.Plan, requester: FetchRequester,
        partitions: [(partition: Partition?, refusal: ErrorCode)], services: FetchServices,
        deadlines: FetchDeadlines, context: RequestContext, reply: Reply<FetchResponse>
    ) {
        self.plan = plan
        self.requester = requester
        self.partitions = partitions.map(\.partition)
        reads = partitions.map { FetchRead(error: $0.refusal) }
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
            park()
        }
        deadlines.add(self)
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
        readAll(mayPark: false)
        answer()
    }

    private func lookAgain() {
        isWoken.store(false, ordering: .relaxed)
        if isOver { return }
        // Who wakes it forgets it: where there is one partition, nobody has it any more.
        if partitions.count == 1 { isParked = false }
        readAll(mayPark: !isParked)
        if partitions.count == 1, isParked { return }
        if isSatisfied { return answer() }
        unpark()
        park()
    }

    private var isSatisfied: Bool {
        if partitions.isEmpty || reads.contains(where: \.isUrgent) { return true }
        return minBytes <= 0 || reads.reduce(0) { $0 + $1.byteCount } >= minBytes
    }

    /// - Parameter mayPark: whether a fetch of one partition may be left there in the same step, where there is too
    ///   little to read.
    private func readAll(mayPark: Bool) {
        var left = maxBytes
        let parking = mayPark && partitions.count == 1 ? FetchParking(fetch: self, minBytes: minBytes) : nil
        var hasAny = false
        for index in partitions.indices {
            guard let partition = partitions[index] else { continue }
            let nearby =
                isFirst && !rack.isEmpty
                ? services.nearby(partition, rack: rack, listener: connection.listener.name) : []
            reads[index] = partition.read(
                plan.items[index].wish, requester, FetchRoom(maxBytes: left, minOneMessage: !hasAny), isFirst: isFirst,
                nearby: nearby, parking: parking)
            isParked = isParked || reads[index].isParked
            left = max(left - reads[index].byteCount, 0)
            hasAny = hasAny || reads[index].byteCount > 0
        }
        isFirst = false
    }

    /// Leaves word at each partition, with where its reading ended; a partition that has more by now wakes it at once.
    private func park() {
        isParked = true
        for index in partitions.indices {
            let goal = FetchGoal(behind: reads[index].bound, requester, plan.items[index].wish)
            partitions[index]?.park(self, until: goal)
        }
    }

    private func unpark() {
        if !isParked { return }
        isParked = false
        for partition in partitions { partition?.unpark(self) }
    }

    private func answer() {
        isOver = true
        deadlines.remove(self)
        unpark()
        for (partition, read) in zip(partitions, reads) {
            partition?.traffic.fetched(
                bytes: read.byteCount, isFollower: requester.isFollower, isError: read.error != .noError)
        }
        let throttled = reads.reduce(0) { $0 + ($1.isThrottled ? $1.byteCount : 0) }
        if throttled > 0 { services.leaderThrottle.record(bytes: throttled, now: services.clock.now) }
        let answer = FetchAnswer(plan: plan, reads: reads, requester: requester, listener: connection.listener.name)
        let cold = reads.indices.filter { reads[$0].mayWaitForDisk }
        guard let first = cold.first, let disk = partitions[first]?.disk else { return services.send(answer, reply) }
        // Reading it may wait for a disk: not on the loop.
        disk.pool.run {
            var checked = answer
            checked.check(cold, self.partitions)
            let whole = checked
            self.connection.loop.execute { self.services.send(whole, self.reply) }
        }
    }
}
