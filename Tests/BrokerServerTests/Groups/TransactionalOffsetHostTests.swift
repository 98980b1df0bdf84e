import Coordinators
import Primitives
import Synchronization
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Transactions at the group coordinator of a broker") struct TransactionalOffsetHostTests {
    private let producer = ProducerIdentity(ProducerID(7), ProducerEpoch(3))

    private func offset(_ response: OffsetFetchResponse) -> Int64? {
        response.groups.first?.topics.first?.partitions.first?.committedOffset.value
    }

    private func commit(_ offset: Int64, _ broker: GroupsUnderTest) {
        var partition = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
        partition.partitionIndex = PartitionIndex(1)
        partition.committedOffset = Offset(offset)
        var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
        topic.name = "t"
        topic.partitions = [partition]
        var request = TxnOffsetCommitRequest()
        request.groupID = "g"
        request.producerID = producer.id
        request.producerEpoch = producer.epoch
        request.generationID = -1
        request.topics = [topic]
        let (groups, asked) = (broker.groups, request)
        broker.loop.run {
            groups.submit("g", answered: { _ in }, refused: { _ in Issue.record("refused") }) { shard, ticket, time in
                shard.commitOffsets(asked, ticket: ticket, at: time) { _, _ in true }
            }
        }
    }

    private func end(_ broker: GroupsUnderTest, commit: Bool) -> ErrorCode? {
        let end = TransactionEnd(producer, isCommit: commit, coordinatorEpoch: 2, hasOwnEpoch: false)
        let (groups, verdict) = (broker.groups, EndVerdict())
        broker.loop.run { groups.endTransaction(end, in: PartitionIndex(0)) { verdict.note($0) } }
        return verdict.error
    }

    @Test(
        "Offsets are written in the producer's batch, and decided by the marker, also at the next coordinator",
        arguments: [true, false])
    func wholeWay(moves: Bool) throws {
        let broker = try GroupsUnderTest.leading()
        commit(5, broker)
        #expect(offset(try broker.fetch()) == -1)
        let bytes = try #require(broker.log.state.withLock { $0.batches.last?.bytes })
        let header = try RecordBatch(bytes).header
        #expect(header.attributes.isTransactional)
        #expect(header.producerID == producer.id)
        #expect(header.producerEpoch == producer.epoch)
        #expect(header.baseSequence == nil)
        if moves {
            try broker.changeLeader(to: 2)
            #expect(end(broker, commit: true) == .notCoordinator)
            broker.log.lead(in: LeaderEpoch(7))
            try broker.changeLeader(to: 1)
            broker.loop.pass(milliseconds: 20)
        }
        #expect(end(broker, commit: true) == .noError)
        #expect(offset(try broker.fetch()) == 5)
        commit(6, broker)
        #expect(end(broker, commit: false) == .noError)
        #expect(offset(try broker.fetch()) == 5)
    }
}
