import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("Offsets in transactions") struct TransactionalOffsetTests {
    private let producer = ProducerIdentity(ProducerID(7), ProducerEpoch(3))

    @Test(
        "KIP-447: an offset counts when its transaction is committed; until then it is unstable",
        arguments: [true, false])
    func counts(commit: Bool) {
        let scene = Scene()
        scene.commit(1)
        #expect(scene.commit(5, by: producer) == .noError)
        #expect(scene.fetched() == 1)
        #expect(scene.isUnstable)
        #expect(scene.end(producer, commit: commit) == .noError)
        #expect(scene.fetched() == (commit ? 5 : 1))
        #expect(!scene.isUnstable)
        #expect(scene.ends.map(\.isCommit) == [commit])
    }

    @Test("Rule 33: neither a commit nor an end is answered, or seen, before its record is committed")
    func afterCommit() {
        let scene = Scene()
        scene.commitsAtOnce = false
        #expect(scene.commit(5, by: producer) == nil)
        // Both may be promised to be written: which comes first must be known.
        #expect(scene.end(producer, commit: true) == .concurrentTransactions)
        scene.commitAll()
        #expect(scene.end(producer, commit: true) == nil)
        #expect(scene.fetched() == nil)
        scene.commitAll()
        #expect(scene.fetched() == 5)
        #expect(scene.replies.values.contains(.transactionEnded(.noError)))
    }

    @Test("What stands later in the log counts, whichever transaction is decided later")
    func order() {
        let scene = Scene()
        let other = ProducerIdentity(ProducerID(8), ProducerEpoch(0))
        scene.commit(5, by: producer)
        scene.commit(6, by: other)
        scene.end(other, commit: true)
        scene.end(producer, commit: true)
        #expect(scene.fetched() == 6)
        scene.commit(7, by: producer)
        scene.commit(8)
        scene.end(producer, commit: true)
        #expect(scene.fetched() == 8)
    }

    @Test("Members are held against their generation; who names none is fenced by its epoch alone")
    func members() {
        let scene = Scene()
        let id = scene.stable(1)[0]
        #expect(scene.commit(5, by: producer, member: id, generation: 1) == .noError)
        #expect(scene.commit(5, by: producer, member: id, generation: 0) == .illegalGeneration)
        #expect(scene.commit(5, by: producer, member: "x", generation: 1) == .unknownMemberID)
        #expect(scene.commit(5, by: producer) == .noError)
        #expect(scene.commit(5, by: producer, member: "x", generation: 1, group: "none") == .illegalGeneration)
        #expect(scene.commit(5, by: producer, group: "none") == .noError)
        let long = String(repeating: "x", count: 5_000)
        #expect(scene.commit(5, by: producer, metadata: long) == .offsetMetadataTooLarge)
    }

    @Test("A log that refuses leaves nothing behind")
    func refused() {
        let scene = Scene()
        scene.logRefusal = .notEnoughReplicas
        #expect(scene.commit(5, by: producer) == .coordinatorNotAvailable)
        scene.logRefusal = .transactionCoordinatorFenced
        #expect(scene.end(producer, commit: true) == .transactionCoordinatorFenced)
        scene.logRefusal = nil
        scene.end(producer, commit: true)
        #expect(scene.fetched() == nil)
    }
}

extension Scene {
    fileprivate var isUnstable: Bool {
        let place = ConsumedPartition(topic: "t", index: PartitionIndex(0))
        return shard.fetchOffset(of: place, group: "g", isStableRequired: true) == .unstable
    }

    @discardableResult
    fileprivate func commit(
        _ offset: Int64, by producer: ProducerIdentity, member: String = "", generation: Int32 = -1,
        group: String = "g", metadata: String? = ""
    ) -> ErrorCode? {
        var request = TxnOffsetCommitRequest()
        request.groupID = group
        request.producerID = producer.id
        request.producerEpoch = producer.epoch
        request.memberID = member
        request.generationID = generation
        var partition = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
        partition.committedOffset = Offset(offset)
        partition.committedMetadata = metadata
        var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
        topic.name = "t"
        topic.partitions = [partition]
        request.topics = [topic]
        let ticket = ticket()
        perform(shard.commitOffsets(request, ticket: ticket, at: time) { _, _ in true })
        guard case .transactionalCommit(let response) = replies[ticket.value] else { return nil }
        return response.topics.first?.partitions.first?.errorCode
    }

    @discardableResult
    fileprivate func end(_ producer: ProducerIdentity, commit: Bool) -> ErrorCode? {
        let end = TransactionEnd(producer, isCommit: commit, coordinatorEpoch: 1, hasOwnEpoch: false)
        let ticket = ticket()
        perform(shard.endTransaction(end, ticket: ticket, at: time))
        guard case .transactionEnded(let error) = replies[ticket.value] else { return nil }
        return error
    }
}
