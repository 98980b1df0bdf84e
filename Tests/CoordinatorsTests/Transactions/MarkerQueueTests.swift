import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("Markers on their way") struct MarkerQueueTests {
    private let source = ShardLeadership(partition: PartitionIndex(3), epoch: LeaderEpoch(9))
    private let now = MonotonicInstant(0)

    /// An order as a shard gives it: of the producer that began as `id`.
    private func order(_ id: String, in partitions: [TransactionPartition]) throws -> MarkerOrder {
        let scene = TransactionScene()
        scene.marksAtOnce = false
        for _ in 0..<id.count { _ = try scene.producer("x\(scene.log.count)") }
        let producer = try scene.producer(id)
        scene.add(partitions, to: id, by: producer)
        scene.end(id, by: producer, commit: true)
        return try #require(scene.orders.first)
    }

    /// What a broker answers with the same error for all, or another for some.
    private func answer(
        _ request: WriteTxnMarkersRequest, _ error: ErrorCode = .noError, except: [Int32: ErrorCode] = [:]
    ) -> WriteTxnMarkersResponse {
        var response = WriteTxnMarkersResponse()
        response.markers = request.markers.map { marker in
            var result = WriteTxnMarkersResponse.WritableTxnMarkerResult()
            result.producerID = marker.producerID
            result.topics = marker.topics.map { topic in
                var answered = WriteTxnMarkersResponse.WritableTxnMarkerTopicResult()
                answered.name = topic.name
                answered.partitions = topic.partitionIndexes.map { index in
                    var one = WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult()
                    one.partitionIndex = index
                    one.errorCode = except[index.value] ?? error
                    return one
                }
                return answered
            }
            return result
        }
        return response
    }

    private func sent(_ effects: [MarkerQueue.Effect]) -> [(broker: Int32, request: WriteTxnMarkersRequest)] {
        effects.compactMap { effect in
            if case .send(let request, let broker) = effect { (broker.value, request) } else { nil }
        }
    }

    private func written(_ effects: [MarkerQueue.Effect]) -> [TransactionPartition] {
        effects.flatMap { effect in
            if case .written(_, _, let partitions) = effect { partitions } else { [TransactionPartition]() }
        }
    }

    @Test("Each leader gets its partitions' markers in one request, with the coordinator's epoch (rule 29)")
    func toLeaders() throws {
        var queue = MarkerQueue()
        let order = try order("a", in: [part(0), part(1), part(2)])
        let requests = sent(
            queue.add(order, from: source, at: now) { .leader(BrokerID($0.index.value == 1 ? 2 : 1)) })
        #expect(requests.map(\.broker) == [1, 2])
        let first = try #require(requests.first?.request.markers.first)
        #expect(first.producerID == order.producerID)
        #expect(first.producerEpoch == order.producerEpoch)
        #expect(first.coordinatorEpoch == 9)
        #expect(first.transactionResult)
        #expect(first.transactionVersion == 2)
        #expect(first.topics.map(\.partitionIndexes) == [[PartitionIndex(0), PartitionIndex(2)]])
        for (broker, request) in requests {
            let effects = queue.answered(by: BrokerID(broker), answer(request), at: now) { _ in .nowhere }
            #expect(!written(effects).isEmpty)
        }
        #expect(queue.isEmpty)
        #expect(queue.wakeAt == nil)
    }

    @Test("What fails goes to whoever leads then, after a pause; deleted partitions need no marker (KAFKA-5202)")
    func retries() throws {
        var queue = MarkerQueue()
        let order = try order("a", in: [part(0), part(1), part(2)])
        let first = sent(queue.add(order, from: source, at: now) { _ in .leader(BrokerID(1)) })
        let errors: [Int32: ErrorCode] = [0: .notLeaderOrFollower, 1: .unknownTopicOrPartition]
        let effects = queue.answered(by: BrokerID(1), answer(first[0].request, except: errors), at: now) { _ in
            .leader(BrokerID(1))
        }
        #expect(written(effects) == [part(2)])
        #expect(sent(effects).isEmpty, "not at once: nothing has changed")
        let wakeAt = try #require(queue.wakeAt)
        let woken = queue.wake(at: wakeAt) { $0.index.value == 1 ? .gone : .leader(BrokerID(2)) }
        #expect(written(woken) == [part(1)])
        let again = sent(woken)
        #expect(again.map(\.broker) == [2])
        // It can't be reached; then it can.
        #expect(sent(queue.answered(by: BrokerID(2), nil, at: wakeAt) { _ in .nowhere }).isEmpty)
        let last = sent(queue.wake(at: try #require(queue.wakeAt)) { _ in .leader(BrokerID(2)) })
        let done = queue.answered(by: BrokerID(2), answer(last[0].request), at: wakeAt) { _ in .nowhere }
        #expect(written(done) == [part(0)])
        #expect(queue.isEmpty)
    }

    @Test("One request to a broker at a time; what comes meanwhile goes together")
    func oneAtATime() throws {
        var queue = MarkerQueue()
        let first = sent(queue.add(try order("a", in: [part(0)]), from: source, at: now) { _ in .leader(BrokerID(1)) })
        for id in ["bb", "ccc"] {
            let order = try order(id, in: [part(0)])
            #expect(queue.add(order, from: source, at: now) { _ in .leader(BrokerID(1)) }.isEmpty)
        }
        let next = sent(
            queue.answered(by: BrokerID(1), answer(first[0].request), at: now) { _ in .leader(BrokerID(1)) })
        #expect(next.map(\.request.markers.count) == [2])
    }

    @Test("A coordinator that is fenced, or lost its partition, sends no more")
    func over() throws {
        var queue = MarkerQueue()
        let first = sent(
            queue.add(try order("a", in: [part(0), part(1)]), from: source, at: now) { _ in .leader(BrokerID(1)) })
        let fenced = answer(first[0].request, .transactionCoordinatorFenced)
        #expect(queue.answered(by: BrokerID(1), fenced, at: now) { _ in .leader(BrokerID(1)) }.isEmpty)
        #expect(queue.isEmpty)
        let second = sent(queue.add(try order("a", in: [part(0)]), from: source, at: now) { _ in .leader(BrokerID(1)) })
        queue.drop(source.partition)
        #expect(queue.isEmpty)
        #expect(queue.answered(by: BrokerID(1), answer(second[0].request), at: now) { _ in .nowhere }.isEmpty)
    }
}
