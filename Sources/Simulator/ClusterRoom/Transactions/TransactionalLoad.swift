import ClientCore
import Primitives
import World

/// The transactional ids of a run: for each the process that is its present one, and those that came before, which may
/// not know that they are not (zombies).
///
/// `@unchecked Sendable`: a simulation has one thread.
final class TransactionalLoad: @unchecked Sendable {
    let plan: TransactionPlan
    let ledger: TransactionLedger
    private let truth: ClusterTruth
    private let time: VirtualTime
    private let trace: ClusterTrace
    private let places: [TopicPartition]
    private let makeClient: () -> SimulatedClient
    private var held: HeldRequests?
    private var generator = SeededGenerator(seed: 0)
    private var present: [SimulatedTransactor] = []
    private(set) var all: [SimulatedTransactor] = []
    private var paused: [SimulatedTransactor] = []
    private var isStopping = false

    /// Processes of one run at most.
    private static let processesMax = 60
    /// A failed process is followed by another one after so long.
    private static let restartMilliseconds: Int64 = 200
    /// A zombie stands still for up to so long.
    private static let pauseMillisecondsMax: UInt64 = 6_000

    init(
        _ plan: TransactionPlan, places: [TopicPartition], truth: ClusterTruth, time: VirtualTime,
        trace: ClusterTrace, makeClient: @escaping () -> SimulatedClient
    ) {
        self.plan = plan
        self.places = places
        self.truth = truth
        self.time = time
        self.trace = trace
        self.makeClient = makeClient
        ledger = TransactionLedger(time)
    }

    func start() {
        if let oneIn = plan.heldOneIn {
            held = HeldRequests(makeClient(), oneIn: oneIn, plan: plan)
        }
        for number in 0..<plan.transactorCount {
            present.append(process(of: number))
            all.append(present[number])
            present[number].start()
        }
        generator = present[0].client.generator()
        if plan.replacedEachMilliseconds != nil { replaceLater() }
    }

    private func process(of number: Int) -> SimulatedTransactor {
        let client = makeClient()
        let isProcessor = number >= plan.transactorCount - plan.processorCount
        let input =
            isProcessor
            ? TransactionInput(group: "writer-\(number)", place: places[0], client: client, truth: truth) : nil
        return SimulatedTransactor(
            client, id: "writer-\(number)", isOld: number < plan.oldCount, input: input, places: places, plan: plan,
            truth: truth, ledger: ledger, held: held
        ) { [weak self] in self?.failed(number) }
    }

    /// A process can't go on: if it is the present one, another one begins.
    private func failed(_ number: Int) {
        time.schedule(afterMicroseconds: TransactionalLoad.restartMilliseconds * 1_000) { [self] in
            if present[number].hasFailed { replace(number) }
        }
    }

    private func replace(_ number: Int) {
        guard !isStopping, all.count < TransactionalLoad.processesMax else { return }
        let next = process(of: number)
        trace.add(0, "client \(next.client.number) is writer-\(number) from now on")
        present[number] = next
        all.append(next)
        next.start()
    }

    // MARK: zombies

    private func replaceLater() {
        guard let interval = plan.replacedEachMilliseconds else { return }
        let wait = 1 + Int64(generator.next() % UInt64(2 * interval))
        time.schedule(afterMicroseconds: wait * 1_000) { [self] in
            guard !isStopping else { return }
            standStill(Int(generator.next() % UInt64(present.count)))
            replaceLater()
        }
    }

    /// The present process of an id stands still; another one begins, and the first goes on later.
    private func standStill(_ number: Int) {
        let zombie = present[number]
        guard !zombie.hasFailed, all.count < TransactionalLoad.processesMax else { return }
        trace.add(0, "client \(zombie.client.number) stands still")
        truth.reach("a transactional zombie")
        zombie.client.loop.pause()
        paused.append(zombie)
        replace(number)
        let wait = 100 + Int64(generator.next() % TransactionalLoad.pauseMillisecondsMax)
        time.schedule(afterMicroseconds: wait * 1_000) { [self] in wake(zombie) }
    }

    private func wake(_ zombie: SimulatedTransactor) {
        guard let index = paused.firstIndex(where: { $0 === zombie }) else { return }
        paused.remove(at: index)
        trace.add(0, "client \(zombie.client.number) goes on")
        zombie.client.loop.resume()
    }

    // MARK: the end

    /// No transaction begins any more; those who stand still go on, and what is held is delivered.
    func stop() {
        isStopping = true
        for zombie in paused { wake(zombie) }
        for transactor in all { transactor.stop() }
        held?.release()
    }

    /// What keeps it from being over; nil for nothing.
    var unrest: String? {
        if let busy = all.first(where: { !$0.isIdle }) { return "client \(busy.client.number) has a transaction open" }
        if let held, !held.isEmpty { return "requests are still held" }
        return NoTransactionHangs.unrest(truth)
    }

    func close() {
        for transactor in all { transactor.client.close() }
        held?.client.close()
    }
}
