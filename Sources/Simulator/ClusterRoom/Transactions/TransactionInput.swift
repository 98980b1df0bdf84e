import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages
import WireProtocol

/// What a transactional producer reads that processes records of one partition: from where its group has committed on,
/// and what is committed only.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class TransactionInput: @unchecked Sendable {
    /// Records that are processed by one transaction.
    struct Part {
        let place: TopicPartition
        /// From where to where they stand, with all that was skipped.
        let range: Range<Offset>
        let records: [(offset: Offset, value: [UInt8])]
    }

    let group: String
    private let place: TopicPartition
    private let client: SimulatedClient
    private let truth: ClusterTruth
    private var coordinator: BrokerID?
    /// How far the group got, by what is committed.
    private var processedEnd = Offset.zero
    private var positions = ConsumerPositions(resetPolicy: .earliest)

    private static let retryMilliseconds: Int64 = 50
    /// Some records.
    private static let bytesMax: Int32 = 600

    init(group: String, place: TopicPartition, client: SimulatedClient, truth: ClusterTruth) {
        self.group = group
        self.place = place
        self.client = client
        self.truth = truth
        positions.assign([place], startingAt: .needsCommitted)
    }

    /// All of a part was processed, and that is committed.
    func processed(_ part: Part) {
        processedEnd = part.range.upperBound
        positions.set(place, .at(processedEnd, lastEpoch: nil))
    }

    /// Whether a part was processed is not known: what the group has committed tells.
    func lost() { positions.set(place, .needsCommitted) }

    /// Gives the next records, once there are any.
    func next(_ given: @escaping @Sendable (Part) -> Void) {
        guard !client.isClosed else { return }
        switch positions.state(of: place) {
        case .at(let offset, _): fetch(from: offset, given)
        default: findPosition(given)
        }
    }

    private func retry(_ given: @escaping @Sendable (Part) -> Void) {
        client.refresh([place.topic]) {}
        client.loop.schedule(afterMilliseconds: TransactionInput.retryMilliseconds) { self.next(given) }
    }

    // MARK: the group's position

    private func findPosition(_ given: @escaping @Sendable (Part) -> Void) {
        guard let coordinator else { return findCoordinator(given) }
        var request = CommittedOffsets.request(group: group, places: [place])
        request.requireStable = true
        client.send(request, to: coordinator, maxVersion: CommittedOffsets.versionMax) { [self] result in
            guard case .success(let response) = result else {
                self.coordinator = nil
                return retry(given)
            }
            let answer = CommittedOffsets.answer(response)
            guard answer.error == .noError else {
                truth.reach("offset fetch: \(answer.error)")
                if answer.error == .notCoordinator { self.coordinator = nil }
                return retry(given)
            }
            processedEnd = answer.offsets[place]?.offset ?? .zero
            positions.set(place, .at(processedEnd, lastEpoch: nil))
            next(given)
        }
    }

    private func findCoordinator(_ given: @escaping @Sendable (Part) -> Void) {
        var request = FindCoordinatorRequest()
        request.coordinatorKeys = [group]
        client.send(request) { [self] result in
            if case .success(let response) = result, let found = response.coordinators.first,
                found.errorCode == .noError
            {
                coordinator = found.nodeID
                return next(given)
            }
            retry(given)
        }
    }

    // MARK: records

    private func fetch(from offset: Offset, _ given: @escaping @Sendable (Part) -> Void) {
        let view = client.view
        guard let fetch = positions.plan(view: view, busy: []).fetches.first else { return retry(given) }
        var limits = FetchQuestion.Limits()
        limits.waitMillisecondsMax = 200
        limits.partitionBytesMax = TransactionInput.bytesMax
        limits.readsCommittedOnly = true
        client.send(FetchQuestion.request(fetch.wanted, limits: limits, view: view), to: fetch.leader) {
            [self] result in
            guard case .success(let response) = result, let topic = view.topics[place.topic]?.id,
                let answer = FetchQuestion.answers(response, view: view).first, answer.error == .noError
            else { return retry(given) }
            guard let bytes = answer.records, !bytes.isEmpty else { return next(given) }
            let id = TopicPartitionID(topic, place.partition)
            truth.consumed(id, bytes, by: client.number)
            guard
                let decoded = try? BatchCoding.decode(bytes, of: place, from: offset, skipping: answer.aborted)
            else { return truth.violated("INV-4: client \(client.number) can't read what it was given of \(place)") }
            let records = decoded.records.map { (offset: $0.offset, value: $0.value?.array ?? []) }
            truth.readCommitted(id, offset..<decoded.end, records.map(\.offset), lastStable: answer.lastStable)
            guard !records.isEmpty else {
                positions.set(place, .at(decoded.end, lastEpoch: nil))
                return next(given)
            }
            given(Part(place: place, range: processedEnd..<decoded.end, records: records))
        }
    }
}
