import LogStorage
import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Rule 30: what a partition lets into a transaction") struct TransactionVerificationTests {
    private func sent(
        _ broker: PartitionsUnderTest, epoch: Int16 = 0, sequence: Int32 = 0, _ verification: UInt64?
    ) throws -> ErrorCode? {
        let verdict = EndVerdict()
        try broker.produceInTransaction(7, epoch: epoch, sequence: sequence, verification: .some(verification)) {
            verdict.note($0)
        }
        return verdict.error
    }

    private func begin(
        _ broker: PartitionsUnderTest, epoch: Int16 = 0, sequence: Int32 = 0
    ) throws -> TransactionAdmission {
        try broker.partition.admission(of: ProducerID(7), ProducerEpoch(epoch), sequence: sequence)
    }

    private func number(_ admission: TransactionAdmission) throws -> UInt64 {
        guard case .toVerify(let number) = admission else {
            throw IssueError(text: "\(admission) where the coordinator is to be asked")
        }
        return number
    }

    private struct IssueError: Error { let text: String }

    @Test("The first batch needs the coordinator's word, later ones none")
    func first() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        #expect(try sent(broker, nil) == .invalidTxnState)
        let number = try number(begin(broker))
        #expect(try sent(broker, number) == .invalidTxnState, "it was asked and has not answered")
        try broker.partition.verified(ProducerID(7), number)
        #expect(try begin(broker) == .verified(number))
        #expect(try sent(broker, number) == .noError)
        #expect(try begin(broker) == .open)
        #expect(try sent(broker, sequence: 1, nil) == .noError)
    }

    @Test("A marker between the question and the append takes the coordinator's word back")
    func marker() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let number = try number(begin(broker))
        try broker.partition.verified(ProducerID(7), number)
        #expect(try broker.end(7, isCommit: false) == .noError)
        #expect(try sent(broker, number) == .invalidTxnState)
        #expect(try begin(broker) != .toVerify(number), "no number comes again")
    }

    @Test("The marker of the transaction before does not take back what was said of the next one (KIP-890)")
    func markerOfTheOneBefore() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7, epoch: 0)
        // The producer goes on at once; the coordinator is asked until the markers are written.
        let number = try number(begin(broker, epoch: 1))
        #expect(try broker.end(7, epoch: 1, isCommit: true, hasOwnEpoch: true) == .noError)
        try broker.partition.verified(ProducerID(7), number)
        #expect(try sent(broker, epoch: 1, number) == .noError)
    }

    @Test("What was said to an earlier leadership admits nothing")
    func leadership() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2], inSync: [1])
        let number = try number(begin(broker))
        try broker.partition.verified(ProducerID(7), number)
        try broker.moveLeadership(to: 2)
        try broker.moveLeadership(to: 1)
        #expect(try sent(broker, number) == .invalidTxnState)
    }

    @Test("KAFKA-14920: behind a first batch that was refused no later one goes first")
    func order() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let number = try number(begin(broker, sequence: 3))
        #expect(try begin(broker, sequence: 5) == .toVerify(number))
        try broker.partition.verified(ProducerID(7), number)
        #expect(try sent(broker, sequence: 5, number) == .outOfOrderSequenceNumber)
        #expect(try sent(broker, sequence: 3, number) == .noError)
        #expect(try sent(broker, sequence: 4, nil) == .noError)
    }

    @Test("Who has a transaction open writes nothing outside of it")
    func outside() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7)
        let answer = try broker.produce(PartitionsUnderTest.batch(
                producer: BatchProducer(id: ProducerID(7), epoch: ProducerEpoch(0), baseSequence: 1)))
        #expect(try answer.required().responses.first?.partitionResponses.first?.errorCode == .invalidTxnState)
    }

    @Test("On a slow disk a marker waits its turn, and what came before it is in the transaction")
    func held() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7)
        broker.files.slowWrites(below: broker.directory + "/") { [loop = broker.loop] in loop.stall(milliseconds: 200) }
        try broker.produceInTransaction(7, sequence: 1)
        broker.pool.hold()
        try broker.produceInTransaction(7, sequence: 2, verification: .some(nil))
        let verdict = try broker.beginEnd(7, isCommit: true)
        #expect(verdict.error == nil)
        #expect(try begin(broker, sequence: 3) != .open, "the marker ends it, though it is not written")
        broker.pool.release()
        #expect(verdict.error == .noError)
        #expect(try broker.latest(readsCommittedOnly: true) == Offset(4))
    }

    @Test("Rule 29: late records of the epoch before are refused behind the marker, in one write, too")
    func lateInOneWrite() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        try broker.produceInTransaction(7)
        broker.files.slowWrites(below: broker.directory + "/") { [loop = broker.loop] in loop.stall(milliseconds: 200) }
        try broker.produceInTransaction(7, sequence: 1)
        broker.pool.hold()
        let marker = try broker.beginEnd(7, epoch: 1, isCommit: true)
        let late = EndVerdict()
        try broker.produceInTransaction(7, sequence: 2) { late.note($0) }
        broker.pool.release()
        #expect(marker.error == .noError)
        #expect(late.error == .invalidProducerEpoch)
    }
}
