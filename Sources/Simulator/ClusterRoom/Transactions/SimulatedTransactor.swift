import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages
import WireProtocol
import World

/// A transactional producer: one process of a transactional id. It writes transactions over some partitions, commits or
/// aborts them, and sometimes leaves one alone for longer than its timeout, until it is stopped or fenced.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedTransactor: @unchecked Sendable {
    let client: SimulatedClient
    private let places: [TopicPartition]
    private let plan: TransactionPlan
    private let truth: ClusterTruth
    private let ledger: TransactionLedger
    private let held: HeldRequests?
    private let isOld: Bool
    /// What it processes; nil where it writes by itself.
    private let input: TransactionInput?
    private var machine: TransactionMachine
    private var generator: SeededGenerator
    /// The number of the open transaction in the ledger.
    private var current: Int?
    /// Its records that were not given to the machine yet.
    private var unwritten = 0..<0
    private var nextValue: Int64 = 0
    private var isStopping = false
    private var wake: (any Timer)?
    private let whenFailed: @Sendable () -> Void

    private static let recordsMax: UInt64 = 5
    /// How often it looks whether it knows who it is.
    private static let identityMilliseconds: Int64 = 30

    init(
        _ client: SimulatedClient, id: String, isOld: Bool, input: TransactionInput?, places: [TopicPartition],
        plan: TransactionPlan, truth: ClusterTruth, ledger: TransactionLedger, held: HeldRequests?,
        whenFailed: @escaping @Sendable () -> Void
    ) {
        self.client = client
        self.places = places
        self.plan = plan
        self.truth = truth
        self.ledger = ledger
        self.held = held
        self.isOld = isOld
        self.input = input
        self.whenFailed = whenFailed
        var settings = TransactionMachine.Settings(transactionalID: id)
        settings.timeoutMilliseconds = Int32(plan.timeoutMilliseconds)
        settings.hasOwnEpochs = !isOld
        settings.takesEpochInDoubt = plan.oldTakeEpochInDoubt
        // Most transactions have several batches of a partition.
        settings.batchBytesMax = 200
        machine = TransactionMachine(settings: settings)
        generator = client.generator()
    }

    /// Whether it has nothing to wait for any more.
    var isIdle: Bool { current == nil && (isStopping || machine.hasFailed) }
    var hasFailed: Bool { machine.hasFailed }

    func start() {
        client.loop.execute { [self] in client.refresh(topics) { self.begin() } }
    }

    /// The last transaction is the one that is open.
    func stop() { isStopping = true }

    private var topics: [String] { Set(places.map(\.topic)).sorted() }

    private func draw(_ limit: Int64) -> Int64 { Int64(generator.next() % UInt64(max(limit, 1))) }

    // MARK: transactions

    private func begin() {
        guard !isStopping, !client.isClosed, machine.isIdle else { return }
        guard let input else { return begin(processing: nil) }
        // Who came before is to be fenced before it is asked how far the group got.
        guard machine.hasIdentity else {
            pump()
            client.loop.schedule(afterMilliseconds: SimulatedTransactor.identityMilliseconds) { self.begin() }
            return
        }
        input.next { self.begin(processing: $0) }
    }

    private func begin(processing part: TransactionInput.Part?) {
        guard !isStopping, !client.isClosed, machine.isIdle else { return }
        let count = 1 + generator.next() % SimulatedTransactor.recordsMax
        let writes = (0..<count).map { _ in
            defer { nextValue += 1 }
            let place = places[Int(generator.next() % UInt64(places.count))]
            return (place: place, value: Int64(client.number) << 32 | nextValue)
        }
        let number = ledger.begin(client.number, writes, processing: part, group: input?.group)
        current = number
        unwritten = writes.indices
        machine.begin()
        if let input, let part {
            let end = CommittedOffsets.Position(offset: part.range.upperBound, leaderEpoch: nil)
            machine.add(TransactionMachine.GroupOffsets(group: input.group, positions: [part.place: end]))
        }
        goOn(number)
    }

    /// Writes the next record, or ends the transaction.
    private func goOn(_ number: Int) {
        guard current == number, !client.isClosed else { return }
        guard let index = unwritten.popFirst() else { return end(number) }
        let write = ledger.entries[number].writes[index]
        var value = TransactionLedger.bytes(of: write.value)
        if generator.chance(1, in: 8) { value += [UInt8](repeating: 0x78, count: Int(draw(600))) }
        machine.add(
            OutgoingRecord(ticket: UInt64(index), key: nil, value: value, timestamp: client.clock.timeOfDay),
            to: write.place, now: client.now)
        pump()
        client.loop.schedule(afterMilliseconds: 1 + draw(2 * plan.stepMilliseconds)) { self.goOn(number) }
    }

    private func end(_ number: Int) {
        if let leftOneIn = plan.leftOneIn, !isStopping, generator.chance(1, in: leftOneIn) {
            truth.reach("a transaction left alone")
            let wait = plan.timeoutMilliseconds + draw(1_500)
            client.loop.schedule(afterMilliseconds: wait) { self.decide(number) }
            return
        }
        decide(number)
    }

    private func decide(_ number: Int) {
        guard current == number, !client.isClosed else { return }
        // It may be that a commit is impossible, and that the abort is under way.
        guard !isAborting else { return }
        guard generator.chance(3, in: 4) else { return abort(number) }
        machine.commit()
        pump()
        // Some lose patience.
        guard generator.chance(1, in: 4) else { return }
        client.loop.schedule(afterMilliseconds: 500 + draw(8_000)) { [self] in
            if current == number { abort(number) }
        }
    }

    private var isAborting = false

    private func abort(_ number: Int) {
        guard current == number, !isAborting else { return }
        isAborting = true
        unwritten = 0..<0
        machine.abort()
        pump()
    }

    private func ended(_ ending: TransactionMachine.Ending) {
        guard let number = current.take() else { return }
        isAborting = false
        switch ending {
        case .committed:
            if let part = ledger.entries[number].input { input?.processed(part) }
            ledger.ended(number, .committed)
        case .aborted: ledger.ended(number, .aborted)
        case .inDoubt:
            truth.reach("transaction: aborted, or committed before")
            input?.lost()
            ledger.ended(number, .unknown)
        case .failed(let error, let mayBeCommitted):
            truth.reach("transaction: \(error)")
            ledger.ended(number, mayBeCommitted ? .unknown : .aborted)
        }
        client.loop.schedule(afterMilliseconds: 1 + draw(2 * plan.stepMilliseconds)) { self.begin() }
    }

    // MARK: requests

    private func pump() {
        guard !client.isClosed else { return }
        perform(machine.advance(now: client.now, view: client.view))
        wake?.cancel()
        wake = nil
        guard let next = machine.nextWake(now: client.now) else { return }
        let wait = max(next.milliseconds(since: client.now) + 1, 2)
        wake = client.loop.schedule(afterMilliseconds: wait) { self.pump() }
    }

    private func perform(_ effects: [TransactionMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .findCoordinator(let kind): find(kind)
            case .ask(let question, let broker): ask(question, broker)
            case .produce(let broker, let batches): produce(batches, to: broker)
            case .refreshMetadata(let topics): client.refresh(topics) { self.pump() }
            case .written(let tickets, let place, let base): written(tickets, place, base)
            case .mustAbort(let error):
                truth.reach("transaction: \(error)")
                if let current { abort(current) }
            case .ended(let ending): ended(ending)
            }
        }
    }

    private func written(_ tickets: [UInt64], _ place: TopicPartition, _ base: Offset?) {
        guard let current else { return }
        for (index, ticket) in tickets.enumerated() {
            let offset = base.map { Offset($0.value + Int64(index)) }
            ledger.wrote(current, Int(ticket), at: offset, in: client.id(of: place))
        }
    }

    private func find(_ kind: TransactionMachine.Coordinator) {
        var request = FindCoordinatorRequest()
        switch kind {
        case .ofTransaction:
            request.keyType = 1
            request.coordinatorKeys = [machine.settings.transactionalID]
        case .ofGroup(let group):
            request.keyType = 0
            request.coordinatorKeys = [group]
        }
        client.send(request) { [self] result in
            var broker: BrokerID?
            if case .success(let response) = result, let found = response.coordinators.first,
                found.errorCode == .noError
            {
                broker = found.nodeID
            }
            if broker == nil { client.refresh(topics) { self.pump() } }
            machine.found(broker, now: client.now, using: &generator)
            pump()
        }
    }

    private func answered(_ error: ErrorCode?, _ producer: ProducerIdentity? = nil) {
        if let error, error != .noError { truth.reach("transaction: \(error)") }
        let wasFailed = machine.hasFailed
        perform(machine.answered(error, producer: producer, now: client.now, using: &generator))
        if machine.hasFailed, !wasFailed { whenFailed() }
        pump()
    }

    private func ask(_ question: CoordinatorQuestion, _ broker: BrokerID) {
        switch question {
        case .initProducer(let request):
            send(request, to: broker, maxVersion: 5) {
                let producer = ProducerIdentity(id: $0.producerID, epoch: $0.producerEpoch)
                return ($0.errorCode, $0.errorCode == .noError ? producer : nil)
            }
        case .addPartitions(let request):
            send(request, to: broker, maxVersion: CoordinatorQuestion.addPartitionsVersionMax, mayBeHeld: true) {
                (CoordinatorQuestion.error(of: $0), nil)
            }
        case .addOffsets(let request):
            send(request, to: broker, maxVersion: nil, mayBeHeld: true) { ($0.errorCode, nil) }
        case .commitOffsets(let request):
            let limit = isOld ? CoordinatorQuestion.OldVersion.commitOffsets : nil
            send(request, to: broker, maxVersion: limit, mayBeHeld: true) {
                (CoordinatorQuestion.error(of: $0), nil)
            }
        case .end(let request):
            let limit = isOld ? CoordinatorQuestion.OldVersion.end : nil
            send(request, to: broker, maxVersion: limit, mayBeHeld: true) {
                ($0.errorCode, CoordinatorQuestion.producer(of: $0))
            }
        }
    }

    /// Sends a question; or has it held, and gives it up.
    private func send<Request: WireRequest>(
        _ request: Request, to broker: BrokerID, maxVersion: Int16?, mayBeHeld: Bool = false,
        _ read: @escaping @Sendable (Request.Response) -> (ErrorCode, ProducerIdentity?)
    ) {
        if mayBeHeld, let held, held.takesNext() {
            truth.reach("held: \(Request.key)")
            let endpoint = client.view.brokers[broker]
            let patience = held.hold { done in
                held.client.send(request, at: endpoint, maxVersion: maxVersion) { _ in done() }
            }
            client.loop.schedule(afterMilliseconds: patience) { self.answered(nil) }
            return
        }
        client.send(request, to: broker, maxVersion: maxVersion) { [self] result in
            guard case .success(let response) = result else {
                client.refresh(topics) { self.pump() }
                return answered(nil)
            }
            let (error, producer) = read(response)
            answered(error, producer)
        }
    }
}

// MARK: Producing

extension SimulatedTransactor {
    private func produce(_ batches: [OutgoingBatch], to broker: BrokerID) {
        let view = client.view
        let encoded = batches.map {
            ($0.place, BatchCoding.encode($0, compression: .uncompressed, isTransactional: true))
        }
        let timeout = SimulatedClient.requestTimeoutMilliseconds
        let request = ProduceQuestion.request(
            encoded.map { (place: $0.0, records: $0.1) }, acks: -1, timeoutMilliseconds: Int32(timeout) - 1_000,
            transactionalID: machine.settings.transactionalID, view: view)
        let limit = isOld ? CoordinatorQuestion.OldVersion.produce : nil
        if let held, held.takesNext() {
            truth.reach("held: \(ProduceRequest.key)")
            let endpoint = view.brokers[broker]
            let patience = held.hold { done in
                held.client.send(request, at: endpoint, maxVersion: limit) { _ in done() }
            }
            client.loop.schedule(afterMilliseconds: patience) { self.unanswered(batches) }
            return
        }
        let checksums = encoded.map { $0.1.bigEndian(UInt32.self, at: RecordBatchHeader.Position.checksum) }
        client.send(request, to: broker, maxVersion: limit) { [self] result in
            guard case .success(let response) = result else { return unanswered(batches) }
            let answers = ProduceQuestion.answers(response, view: view)
            for answer in answers { client.learnLeader(answer.place, answer.newLeader, answer.newLeaderEpoch) }
            for (batch, checksum) in zip(batches, checksums) {
                let answer = answers.first { $0.place == batch.place }
                let error = answer?.error ?? .unknownServerError
                acknowledged(batch, checksum, error, answer?.baseOffset)
                perform(
                    machine.produced(
                        batch, error: error, baseOffset: answer?.baseOffset, now: client.now, using: &generator))
            }
            pump()
        }
    }

    private func unanswered(_ batches: [OutgoingBatch]) {
        for batch in batches {
            perform(machine.produced(batch, error: nil, baseOffset: nil, now: client.now, using: &generator))
        }
        pump()
    }

    private func acknowledged(_ batch: OutgoingBatch, _ checksum: UInt32, _ error: ErrorCode, _ base: Offset?) {
        guard error == .noError || error == .duplicateSequenceNumber else {
            return truth.reach("transactional produce: \(error)")
        }
        guard let topic = client.id(of: batch.place) else { return }
        truth.acknowledged(
            TopicPartitionID(topic, batch.place.partition),
            AcknowledgedBatch(
                base: error == .noError ? base : nil, checksum: checksum, recordCount: batch.records.count,
                producerID: batch.stamp?.producer.id, producerEpoch: batch.stamp?.producer.epoch,
                baseSequence: batch.stamp?.baseSequence))
    }
}
