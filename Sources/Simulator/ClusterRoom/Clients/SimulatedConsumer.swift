import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages
import WireProtocol
import World

/// A consumer with assigned partitions that reads them from their start.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedConsumer: @unchecked Sendable {
    let client: SimulatedClient
    private let truth: ClusterTruth
    private let history: ClientHistory
    private var positions = ConsumerPositions(resetPolicy: .earliest)
    private var busy: Set<BrokerID> = []
    private var asksForStart = false
    /// The records that came, by partition and offset.
    private(set) var values: [TopicPartitionID: [Offset: [UInt8]]] = [:]
    private let places: [TopicPartition]
    private let keepsValues: Bool
    /// What it sees of transactions; nil where it reads what is not committed, too.
    private let ledger: TransactionLedger?

    /// Wait before a question that had no answer is put again.
    private static let retryMilliseconds: Int64 = 30

    /// - Parameters:
    ///   - keepsValues: whether `values` is filled.
    ///   - ledger: is told what it reads; then it reads what is committed only.
    init(
        _ client: SimulatedClient, places: [TopicPartition], truth: ClusterTruth, history: ClientHistory,
        keepsValues: Bool = false, readsCommittedFor ledger: TransactionLedger? = nil
    ) {
        self.ledger = ledger
        self.history = history
        self.client = client
        self.places = places
        self.truth = truth
        self.keepsValues = keepsValues
        positions.assign(places, startingAt: .needsReset(.earliest))
    }

    /// Who reads what is committed is kept back for good where an unclean election took a transaction's marker.
    var mayBeKeptBack: Bool { ledger != nil && truth.isLossy }

    private var topics: [String] { Set(places.map(\.topic)).sorted() }

    func start() {
        history.reads(places, by: client.number)
        ledger?.reads(places, by: client.number)
        client.loop.execute { [self] in client.refresh(topics) { self.pump() } }
    }

    /// Where it stands in a partition.
    func position(_ place: TopicPartition) -> Offset? {
        if case .at(let offset, _) = positions.state(of: place) { offset } else { nil }
    }

    private func pumpLater() {
        client.loop.schedule(afterMilliseconds: SimulatedConsumer.retryMilliseconds) { self.pump() }
    }

    private func pump() {
        guard !client.isClosed else { return }
        askForStart()
        let plan = positions.plan(view: client.view, busy: busy)
        if !plan.leaderless.isEmpty { client.refresh(plan.leaderless) { self.pump() } }
        for fetch in plan.fetches { send(fetch) }
    }

    private func askForStart() {
        let needed = positions.needingReset.map(\.place)
        guard !needed.isEmpty, !asksForStart else { return }
        guard let leader = client.view.partition(needed[0])?.leader, client.view.brokers[leader] != nil else {
            return client.refresh(topics) { self.pump() }
        }
        asksForStart = true
        let mine = needed.filter { client.view.partition($0)?.leader == leader }
        let request = OffsetQuestion.request(mine, at: .earliest, view: client.view)
        client.send(request, to: leader) { [self] result in
            asksForStart = false
            var isKnown = false
            if case .success(let response) = result {
                for answer in OffsetQuestion.answers(response) where answer.error == .noError {
                    guard let offset = answer.offset else { continue }
                    positions.set(answer.place, .at(offset, lastEpoch: nil))
                    isKnown = true
                }
            }
            if isKnown { pump() } else { client.refresh(topics) { self.pump() } }
        }
    }

    private func send(_ fetch: ConsumerPositions.Fetch) {
        busy.insert(fetch.leader)
        var limits = FetchQuestion.Limits()
        limits.waitMillisecondsMax = 300
        limits.partitionBytesMax = 8_192
        limits.readsCommittedOnly = ledger != nil
        let view = client.view
        let request = FetchQuestion.request(fetch.wanted, limits: limits, view: view)
        client.send(request, to: fetch.leader) { [self] result in
            busy.remove(fetch.leader)
            guard case .success(let response) = result else { return client.refresh(topics) { self.pump() } }
            var isFine = response.errorCode == .noError
            for answer in FetchQuestion.answers(response, view: view) {
                client.learnLeader(answer.place, answer.newLeader, answer.newLeaderEpoch)
                guard let wanted = fetch.wanted.first(where: { $0.place == answer.place }) else { continue }
                isFine = take(answer, wanted, view) && isFine
            }
            if isFine { pump() } else { client.refresh(topics) { self.pump() } }
        }
    }

    private func take(
        _ answer: FetchQuestion.Answer, _ wanted: ConsumerPositions.Wanted, _ view: ClientCore.ClusterView
    ) -> Bool {
        guard let topic = view.topics[answer.place.topic]?.id else { return false }
        let id = TopicPartitionID(topic, answer.place.partition)
        if answer.error == .offsetOutOfRange {
            truth.toldOutOfRange(id, wanted.offset)
            positions.outOfRange(answer.place, asked: wanted.offset)
        }
        guard answer.error == .noError else {
            truth.reach("fetch: \(answer.error)")
            return false
        }
        guard let bytes = answer.records, !bytes.isEmpty else { return true }
        truth.consumed(id, bytes, by: client.number)
        guard
            let decoded = try? BatchCoding.decode(
                bytes, of: answer.place, from: wanted.offset, skipping: ledger == nil ? [] : answer.aborted)
        else {
            truth.violated("INV-4: client \(client.number) can't read what it was given of \(answer.place)")
            return false
        }
        // What a former leader answers late is no longer where the consumer stands: nobody is given it.
        guard
            positions.advance(answer.place, from: wanted.offset, to: decoded.end, lastEpoch: decoded.lastEpoch)
        else { return true }
        let records = decoded.records.map { (offset: $0.offset, value: $0.value?.array ?? []) }
        history.read(records, of: answer.place, by: client.number)
        if let ledger {
            ledger.read(records, of: answer.place, by: client.number)
            truth.readCommitted(
                id, wanted.offset..<decoded.end, records.map(\.offset), lastStable: answer.lastStable)
        }
        if keepsValues {
            for record in records { values[id, default: [:]][record.offset] = record.value }
        }
        return true
    }
}
