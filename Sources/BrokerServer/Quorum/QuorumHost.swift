import DequeModule
package import Logging
package import Primitives
import Quorum
import Synchronization
import WireMessages
import WireProtocol
package import World

/// Runs this node's replica of the metadata log: the core of `Quorum` on the control loop, with its files and its
/// connections.
///
/// One input at a time is stepped and all its effects are performed before the next; who listens is told after that,
/// so that a listener may append from within a call. What was written in one round of the loop is flushed at its end
/// with one fsync. `@unchecked Sendable`: touched on the control loop only.
package final class QuorumHost: MetadataLog, @unchecked Sendable {
    /// What the listener has to hear, in order.
    enum Note {
        case committed
        case snapshot(LoadedSnapshot)
        case becameLeader(LeaderEpoch, startOffset: Offset)
        case lostLeadership(LeaderEpoch)
        case leaderChanged(QuorumLeader)
    }

    typealias Answering = @Sendable (QuorumAnswer) -> Void

    let setup: QuorumSetup
    let world: World
    let logger: Logger
    /// The leader that was last told, for other threads; below zero for none.
    let toldLeader = Atomic<Int32>(-1)
    /// The level of `kraft.version`, for other threads.
    let toldKraftVersion = Atomic<Int16>(0)
    private let fatal: @Sendable (MetadataLogFailure) -> Void
    /// How many inputs the core has taken; nil before it is there.
    private(set) var steps: UInt64?
    private(set) var listener: any MetadataLogListener = SilentMetadataLogListener()

    var replica: QuorumReplica?
    var store: MetadataStore?
    var peers: QuorumPeers?
    private var isStopped = false

    private var inputs: Deque<QuorumInput> = []
    private var isStepping = false
    private var timer: (any Timer)?
    private var timerAt: MonotonicInstant?
    private var lastToken: UInt64 = 0
    private var asks: [RequestToken: Answering] = [:]
    private var lastTicket: UInt64 = 0
    /// The records of the append that is being stepped, and where they came to lie.
    var staged: (ticket: AppendTicket, records: [Bytes])?
    var stagedEnd: Offset?
    /// The flush that the end of the round owes.
    private var flushOwed: FlushTicket?

    var notes: Deque<Note> = []
    private var isTelling = false
    /// The exclusive end of what the listener was told to be committed.
    var delivered = Offset.zero
    var snapshotPace: SnapshotPace

    /// - Parameter fatal: called once, on the control loop, when the node must end.
    package init(
        _ setup: QuorumSetup, world: World, logger: Logger,
        fatal: @escaping @Sendable (MetadataLogFailure) -> Void
    ) {
        self.setup = setup
        self.world = world
        self.logger = logger
        self.fatal = fatal
        snapshotPace = SnapshotPace(
            bytesMax: setup.snapshotBytes, intervalMilliseconds: setup.snapshotIntervalMilliseconds)
    }

    package func listen(_ listener: any MetadataLogListener) { self.listener = listener }

    /// Opens the log, tells the listener the newest snapshot, and takes part. On the control loop; blocks for as long
    /// as the log takes to recover.
    package func start() throws {
        precondition(replica == nil, "a quorum host started twice")
        let store = try MetadataStore(
            parent: setup.logDirectory, segmentBytes: setup.segmentBytes,
            configured: VoterSet(setup.voters.map { ReplicaKey(id: $0.id) }), files: world.files, clock: world.clock)
        for damage in store.damages {
            logger.warning("a damaged file is done without", metadata: ["file": "\(damage)"])
        }
        if let latest = store.snapshots.latest {
            delivered = latest.endOffset
            notes.append(.snapshot(try store.snapshots.load(latest)))
        }
        let peers = QuorumPeers(setup, world: world)
        peers.follow(store.history)
        self.peers = peers
        self.store = store
        toldKraftVersion.store(store.history.kraftVersion, ordering: .relaxed)
        warnOfNoVoters(store.history)
        replica = QuorumReplica(
            setup.own, history: store.history, settings: setup.settings, election: store.election, log: store.view,
            generator: SeededGenerator(seed: world.randomness.next()))
        snapshotPace.begin(now: world.clock.now)
        feed(.started)
    }

    private func warnOfNoVoters(_ history: VoterHistory) {
        guard history.voters.isEmpty else { return }
        let servers = setup.settings.bootstrap.map { "\($0)" }.joined(separator: ", ")
        logger.warning(
            """
            this directory names no voters: waiting to hear of them at \(servers). A new cluster needs a controller \
            that was formatted with --standalone, or controllers with --initial-controllers
            """)
    }

    /// Hands leadership over, then closes the log; `stopped` is called on the control loop, in bounded time.
    package func shutDown(timeoutMilliseconds: Int64 = 1_000, stopped: @escaping @Sendable () -> Void) {
        feed(.shutDown)
        let deadline = world.clock.now.advanced(byMilliseconds: timeoutMilliseconds)
        awaitHandover(until: deadline, stopped)
    }

    private func awaitHandover(until deadline: MonotonicInstant, _ stopped: @escaping @Sendable () -> Void) {
        guard let replica, !isStopped, !replica.role.hasHandedOver, world.clock.now < deadline else {
            stop()
            return stopped()
        }
        world.controlLoop.schedule(afterMilliseconds: 5) { self.awaitHandover(until: deadline, stopped) }
    }

    private func stop() {
        guard !isStopped else { return }
        isStopped = true
        timer?.cancel()
        peers?.shutDown()
        asks = [:]
        do { try store?.close() } catch { logger.error("closing the metadata log failed: \(error)") }
    }

    /// Ends the node: what could not be written is never tried again.
    func fail(_ reason: String) {
        guard !isStopped else { return }
        isStopped = true
        timer?.cancel()
        peers?.shutDown()
        asks = [:]
        logger.critical("\(reason)")
        fatal(MetadataLogFailure(reason))
    }

    // MARK: The log, for the controller

    package func append(_ records: [Bytes], expecting epoch: LeaderEpoch) -> Offset? {
        precondition(!isStepping, "an append from within a step")
        guard replica != nil, !isStopped, !records.isEmpty else { return nil }
        lastTicket += 1
        let ticket = AppendTicket(lastTicket)
        staged = (ticket, records)
        stagedEnd = nil
        feed(.append(ticket, recordCount: Int64(records.count), expecting: epoch))
        staged = nil
        return stagedEnd.map { Offset($0.value - 1) }
    }

    package func resign(_ epoch: LeaderEpoch) { feed(.resign(epoch)) }

    package var leader: QuorumLeader {
        QuorumLeader(id: replica?.leaderID, epoch: replica?.election.epoch ?? .zero)
    }

    /// The quorum's leader as it was last told. From any thread.
    package var leaderToldLast: BrokerID? {
        let id = toldLeader.load(ordering: .relaxed)
        return id < 0 ? nil : BrokerID(id)
    }

    /// The finalized level of the feature `kraft.version` (KIP-853). From any thread.
    package var kraftVersion: Int16 { toldKraftVersion.load(ordering: .relaxed) }

    package var highWatermark: Offset? { replica?.highWatermark }

    /// What a leader has named as committed since this process started; nil before.
    package var toldHighWatermark: Offset? { replica?.toldHighWatermark }

    package var hasLostQuorum: Bool { replica?.hasLostQuorum(now: world.clock.now) ?? false }

    package var logEndOffset: Offset { replica?.log.end ?? .zero }

    // MARK: Inputs

    /// Somebody asks; `answering` is called when the core has decided, maybe at once.
    func ask(_ request: QuorumRequest, answering: @escaping Answering) {
        guard replica != nil, !isStopped else { return }
        lastToken += 1
        let token = RequestToken(lastToken)
        asks[token] = answering
        feed(.asked(token, request))
    }

    /// Runs `work` on the control loop, now when this is it.
    func onLoop(_ work: @escaping @Sendable () -> Void) {
        world.controlLoop.isCurrent ? work() : world.controlLoop.execute(work)
    }

    func feed(_ input: QuorumInput) {
        guard replica != nil, !isStopped else { return }
        inputs.append(input)
        guard !isStepping else { return }
        isStepping = true
        while !isStopped, let next = inputs.popFirst() {
            steps = (steps ?? 0) + 1
            let effects = replica?.step(next, now: world.clock.now) ?? []
            do { try perform(effects) } catch { fail("the metadata log failed: \(error)") }
        }
        isStepping = false
        guard !isStopped else { return }
        setTimer()
        tell()
    }

    /// Takes an input before all that wait; from within a step.
    func feedNext(_ input: QuorumInput) { inputs.prepend(input) }

    private func setTimer() {
        let wanted = replica?.nextDeadline
        guard wanted != timerAt else { return }
        timer?.cancel()
        timerAt = wanted
        guard let wanted else { return }
        // Rounded up: a timer that fires a moment early would only have to be set again.
        let nanoseconds = max(wanted.value - world.clock.now.value, 0)
        timer = world.controlLoop.schedule(afterMilliseconds: (nanoseconds + 999_999) / 1_000_000) {
            self.timerAt = nil
            self.feed(.tick)
        }
    }

    // MARK: What effects need

    func answer(_ token: RequestToken, _ answer: QuorumAnswer) { asks.removeValue(forKey: token)?(answer) }

    /// Owes a flush to the end of this round; those of one round are one.
    func owe(_ ticket: FlushTicket) {
        let isNew = flushOwed == nil
        flushOwed = ticket
        if isNew { world.controlLoop.atEndOfRound { self.flush() } }
    }

    private func flush() {
        guard let ticket = flushOwed, !isStopped else { return }
        flushOwed = nil
        do { try store?.flush() } catch { return fail("flushing the metadata log failed: \(error)") }
        feed(.flushed(ticket))
    }

    // MARK: Telling

    private func tell() {
        guard !isTelling else { return }
        isTelling = true
        while !isStopped, let note = notes.popFirst() {
            switch note {
            case .committed: deliver()
            case .snapshot(let snapshot): listener.snapshotLoaded(snapshot)
            case .becameLeader(let epoch, let start): listener.becameLeader(epoch: epoch, startOffset: start)
            case .lostLeadership(let epoch): listener.lostLeadership(epoch: epoch)
            case .leaderChanged(let leader): listener.leaderChanged(leader)
            }
        }
        isTelling = false
    }

    /// Where a node of the quorum is reached, as far as this one knows.
    func endpoint(of id: BrokerID) -> VoterEndpoint? { peers?.book.endpoint(of: id) }

    /// The same as an address to connect to; on the control loop.
    package func address(of id: BrokerID) -> Endpoint? {
        endpoint(of: id).map { Endpoint(host: $0.host, port: Int($0.port)) }
    }
}
