import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages
import WireProtocol
import World

/// An idempotent producer with acks=all: a record now and then, each with a value that nobody else writes, to a
/// partition that the seed chooses.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedProducer: @unchecked Sendable {
    /// What became of a record.
    enum Fate: Hashable {
        case sent
        case acknowledged(TopicPartitionID, Offset?)
        /// Not known: it may be in the log.
        case unknown
    }

    private struct InFlight {
        let topic: TopicID?
        let checksum: UInt32
    }

    let client: SimulatedClient
    private let places: [TopicPartition]
    private let truth: ClusterTruth
    private let history: ClientHistory
    private let plan: ClusterPlan
    private var machine: ProducerMachine
    private var generator: SeededGenerator
    private(set) var fates: [Fate] = []
    /// The records' processes in the history, and where they are to be written.
    private var writes: [(process: Int32, place: TopicPartition)] = []
    private var isSending = false
    private var wake: (any Timer)?

    /// A batch without an answer for so long is given up.
    private static let deliveryMilliseconds: Int64 = 20_000

    init(
        _ client: SimulatedClient, places: [TopicPartition], plan: ClusterPlan, truth: ClusterTruth,
        history: ClientHistory
    ) {
        self.history = history
        self.client = client
        self.places = places
        self.truth = truth
        self.plan = plan
        var settings = ProducerMachine.Settings()
        settings.deliveryMillisecondsMax = SimulatedProducer.deliveryMilliseconds
        settings.batchBytesMax = 1_024
        settings.lingerMilliseconds = plan.lingerMilliseconds
        machine = ProducerMachine(settings: settings)
        generator = client.generator()
    }

    var isIdle: Bool { machine.isIdle }
    var topics: [String] { Set(places.map(\.topic)).sorted() }

    /// The value of the record with a number.
    func value(_ number: Int) -> [UInt8] { Array("\(client.number)/\(number)".utf8) }

    func start() {
        isSending = true
        client.loop.execute { [self] in client.refresh(topics) { self.produce() } }
    }

    func stop() { isSending = false }

    private func produce() {
        guard isSending, !client.isClosed else { return }
        if let silence = silenceMilliseconds {
            client.loop.schedule(afterMilliseconds: silence) { self.produce() }
            return
        }
        let count = 1 + Int(generator.next() % 3)
        for _ in 0..<count { add(to: places[Int(generator.next() % UInt64(places.count))]) }
        pump()
        client.loop.schedule(
            afterMilliseconds: 1 + Int64(generator.next() % UInt64(2 * plan.recordIntervalMilliseconds))
        ) {
            self.produce()
        }
    }

    /// How long nothing is to be written from now on; nil where something is.
    private var silenceMilliseconds: Int64? {
        guard let burst = plan.burstMilliseconds else { return nil }
        let passed = client.now.milliseconds(since: MonotonicInstant(0))
        return passed / burst % 2 == 0 ? nil : burst - passed % burst
    }

    private func add(to place: TopicPartition) {
        var value = value(fates.count)
        if generator.chance(1, in: 8) { value += [UInt8](repeating: 0x78, count: Int(generator.next() % 600)) }
        let record = OutgoingRecord(
            ticket: UInt64(fates.count), key: nil, value: value, timestamp: client.clock.timeOfDay)
        guard (try? machine.add(record, to: place, now: client.now)) != nil else { return }
        let written = ClientHistory.value(client: client.number, record: fates.count)
        writes.append((history.writes(written, to: place), place))
        fates.append(.sent)
    }

    private func pump() {
        guard !client.isClosed else { return }
        perform(machine.advance(now: client.now, view: client.view))
        wake?.cancel()
        wake = nil
        guard let next = machine.nextWake(now: client.now, view: client.view) else { return }
        let wait = max(next.milliseconds(since: client.now) + 1, 2)
        wake = client.loop.schedule(afterMilliseconds: wait) { self.pump() }
    }

    private func perform(_ effects: [ProducerMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .obtainIdentity: obtainIdentity()
            case .refreshMetadata(let topics): client.refresh(topics) { self.pump() }
            case .send(let node, let batches): send(batches, to: node)
            case .delivered: break
            case .failed(let tickets, _, _): for ticket in tickets { failed(Int(ticket)) }
            }
        }
    }

    private func failed(_ number: Int) {
        guard case .sent = fates[number] else { return }
        fates[number] = .unknown
        history.lost(writes[number].process)
    }

    private func obtainIdentity() {
        var request = InitProducerIdRequest()
        request.transactionalID = nil
        request.transactionTimeoutMilliseconds = .max
        client.send(request) { [self] result in
            if case .success(let response) = result, response.errorCode == .noError {
                machine.identityObtained(
                    ProducerIdentity(id: response.producerID, epoch: response.producerEpoch))
                return pump()
            }
            client.loop.schedule(afterMilliseconds: 50) { [self] in
                perform(machine.identityRefused())
                pump()
            }
        }
    }

    private func send(_ batches: [OutgoingBatch], to node: BrokerID) {
        let view = client.view
        let encoded = batches.map { ($0.place, BatchCoding.encode($0, compression: .uncompressed)) }
        let flying = zip(batches, encoded).map { batch, pair in
            InFlight(
                topic: client.id(of: batch.place),
                checksum: pair.1.bigEndian(UInt32.self, at: RecordBatchHeader.Position.checksum))
        }
        let timeout = SimulatedClient.requestTimeoutMilliseconds
        let request = ProduceQuestion.request(
            encoded.map { (place: $0.0, records: $0.1) }, acks: -1, timeoutMilliseconds: Int32(timeout) - 1_000,
            view: view)
        client.send(request, to: node) { [self] result in
            machine.requestEnded(by: node)
            switch result {
            case .success(let response): answered(batches, flying, response, view)
            case .failure(let error):
                let mayBeWritten = error != .refused && error != .shutDown && error != .queueFull
                perform(
                    machine.unanswered(batches, mayBeWritten: mayBeWritten, now: client.now, using: &generator))
            }
            pump()
        }
    }

    private func answered(
        _ batches: [OutgoingBatch], _ flying: [InFlight], _ response: ProduceResponse, _ view: ClientCore.ClusterView
    ) {
        let answers = ProduceQuestion.answers(response, view: view)
        for answer in answers { client.learnLeader(answer.place, answer.newLeader, answer.newLeaderEpoch) }
        for (batch, flight) in zip(batches, flying) {
            let answer = answers.first { $0.place == batch.place }
            let error = answer?.error ?? .unknownServerError
            if error == .noError || error == .duplicateSequenceNumber {
                acknowledged(batch, flight, error == .noError ? answer?.baseOffset : nil)
            } else {
                truth.reach("produce: \(error)")
            }
            perform(
                machine.answered(
                    batch, error: error, baseOffset: answer?.baseOffset, now: client.now, using: &generator))
        }
    }

    private func acknowledged(_ batch: OutgoingBatch, _ flight: InFlight, _ base: Offset?) {
        guard let topic = flight.topic else { return }
        let id = TopicPartitionID(topic, batch.place.partition)
        for (index, record) in batch.records.enumerated() {
            let (number, offset) = (Int(record.ticket), base.map { Offset($0.value + Int64(index)) })
            guard case .sent = fates[number] else { continue }
            fates[number] = .acknowledged(id, offset)
            let value = ClientHistory.value(client: client.number, record: number)
            history.wrote(value, to: batch.place, by: writes[number].process, at: offset)
        }
        truth.acknowledged(
            id,
            AcknowledgedBatch(
                base: base, checksum: flight.checksum, recordCount: batch.records.count,
                producerID: batch.stamp?.producer.id, producerEpoch: batch.stamp?.producer.epoch,
                baseSequence: batch.stamp?.baseSequence))
    }
}
