import Coordinators
import Primitives
import Testing

@Suite("Transactional producers") struct TransactionalProducerTests {
    @Test("Each that begins gets the next epoch, and fences who was there before")
    func begins() throws {
        let scene = TransactionScene()
        let first = try scene.producer()
        #expect(first.epoch == ProducerEpoch(0))
        let second = try scene.producer()
        #expect(second == first.later(by: 1))
        #expect(scene.add([part(0)], by: first) == .failed(.producerFenced))
        #expect(scene.end(by: first, commit: false) == .failed(.producerFenced))
        #expect(scene.begin(as: first) == .failed(.producerFenced))
        #expect(try scene.producer("b").id != first.id)
    }

    @Test("Bad requests are told what is wrong with them")
    func badRequests() throws {
        let scene = TransactionScene()
        #expect(scene.begin("") == .failed(.invalidRequest))
        for timeout in [Int32(0), -1, .min, 900_001, .max] {
            #expect(scene.begin(timeout: timeout) == .failed(.invalidTransactionTimeout))
        }
        #expect(scene.begin(timeout: 900_000)?.identity != nil)
        let stranger = ProducerIdentity(ProducerID(5), ProducerEpoch(0))
        #expect(scene.add([part(0)], by: stranger) == .failed(.invalidProducerIDMapping))
        #expect(scene.add([part(0)], to: "x", by: stranger) == .failed(.invalidProducerIDMapping))
        #expect(scene.add([part(0)], to: "", by: stranger) == .failed(.invalidRequest))
        #expect(scene.end("", by: stranger, commit: true) == .failed(.invalidRequest))
        #expect(scene.end("x", by: stranger, commit: true) == .failed(.invalidProducerIDMapping))
        #expect(scene.end(by: stranger, commit: true) == .failed(.invalidProducerIDMapping))
        #expect(scene.begin(as: stranger) == .failed(.producerFenced))
    }

    @Test("KIP-360: who goes on after an error gets a new epoch, the same one when it asks again")
    func goesOn() throws {
        let scene = TransactionScene()
        let first = try scene.producer()
        let second = first.later(by: 1)
        #expect(scene.begin(as: first)?.identity == second)
        #expect(scene.begin(as: first)?.identity == second, "its answer was lost")
        #expect(scene.begin(as: second)?.identity == first.later(by: 2))
        #expect(scene.begin(as: first) == .failed(.producerFenced))
        // Another one begins: now none of them may go on.
        let other = try scene.producer()
        #expect(scene.begin(as: second) == .failed(.producerFenced))
        #expect(scene.begin(as: first.later(by: 2)) == .failed(.producerFenced))
        #expect(scene.begin(as: other)?.identity == other.later(by: 1))
    }

    @Test("KIP-360: with the epochs used up there is another id, also for who asks again")
    func rotation() throws {
        let scene = TransactionScene()
        var producer = try scene.producer()
        while producer.epoch < ProducerEpoch(Int16.max - 1) {
            producer = try #require(scene.begin(as: producer)?.identity)
        }
        let next = try #require(scene.begin(as: producer)?.identity)
        #expect(next.id != producer.id)
        #expect(next.epoch == ProducerEpoch(0))
        #expect(scene.begin(as: producer)?.identity == next)
        // Not for a zombie of an earlier epoch.
        let zombie = ProducerIdentity(producer.id, ProducerEpoch(7))
        #expect(scene.begin(as: zombie) == .failed(.producerFenced))
        _ = try scene.producer()
        #expect(scene.begin(as: producer) == .failed(.producerFenced))
    }

    @Test(
        "Who begins while a transaction is open has it aborted first, and comes again (KAFKA-5231)",
        arguments: [Int16(0), 2])
    func abortsOpen(version: Int16) throws {
        let scene = TransactionScene()
        let old = try scene.producer()
        scene.add([part(0)], by: old, version: version)
        #expect(scene.begin() == .failed(.concurrentTransactions))
        let order = try #require(scene.orders.first)
        #expect(!order.isCommit)
        #expect(order.producerEpoch == old.later(by: 1).epoch)
        #expect(order.hasOwnEpoch == (version == 2))
        #expect(scene.shard["a"]?.state == .completeAbort)
        #expect(scene.add([part(0)], by: old) == .failed(.producerFenced))
        #expect(try scene.producer() == old.later(by: 2), "the epoch of the abort belongs to nobody")
    }

    @Test("KAFKA-9666: an epoch is not used up by a write that the log refused")
    func keepsEpoch() throws {
        let scene = TransactionScene()
        let old = try scene.producer()
        scene.add([part(0)], by: old)
        scene.logRefusal = .notEnoughReplicas
        for _ in 0..<3 { #expect(scene.begin() == .failed(.coordinatorNotAvailable)) }
        #expect(scene.shard["a"]?.producerEpoch == old.epoch)
        scene.logRefusal = nil
        #expect(scene.end(by: old, commit: true)?.identity == old.later(by: 1))
    }

    @Test("While a record of an id is not committed, nothing else is decided for it")
    func underWay() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.commitsAtOnce = false
        #expect(scene.add([part(0)], by: producer) == nil)
        #expect(scene.add([part(1)], by: producer) == .failed(.concurrentTransactions))
        #expect(scene.end(by: producer, commit: true) == .failed(.concurrentTransactions))
        #expect(scene.begin() == .failed(.concurrentTransactions))
        #expect(
            scene.shard.verifyPartitions([part(0)], of: "a", by: producer) == .failed(.concurrentTransactions))
        #expect(scene.shard["a"]?.state == .empty, "readers see what is committed")
        scene.commitAll()
        #expect(scene.add([part(0)], by: producer) == .partitions([.noError]), "it is there: no record needed")
        #expect(scene.log.count == 2)
    }

    @Test("Verification names the partitions that do not belong to the open transaction")
    func verifies() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        #expect(
            scene.shard.verifyPartitions([part(0)], of: "a", by: producer) == .partitions([.transactionAbortable]))
        scene.add([part(0)], by: producer, version: 0)
        #expect(
            scene.shard.verifyPartitions([part(0), part(1)], of: "a", by: producer)
                == .partitions([.noError, .transactionAbortable]))
        #expect(
            scene.shard.verifyPartitions([part(0)], of: "a", by: producer.later(by: 1)) == .failed(.producerFenced))
        #expect(
            scene.shard.verifyPartitions([part(0)], of: "b", by: producer) == .failed(.invalidProducerIDMapping))
        scene.end(by: producer, commit: true, version: 0)
        #expect(
            scene.shard.verifyPartitions([part(0)], of: "a", by: producer) == .partitions([.transactionAbortable]))
    }

    @Test("INV-T5: what is open for too long is aborted under a new epoch, also by the next coordinator")
    func timesOut() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(timeout: 30_000)
        scene.add([part(0)], by: producer)
        scene.advance(milliseconds: 25_000)
        #expect(scene.shard["a"]?.state == .ongoing)
        scene.advance(milliseconds: 16_000)
        #expect(scene.shard["a"]?.state == .completeAbort)
        #expect(scene.orders.map(\.isCommit) == [false])
        #expect(scene.end(by: producer, commit: true) == .failed(.invalidTxnState), "KAFKA-6119: its epoch is over")
        #expect(scene.add([part(0)], by: producer) == .failed(.producerFenced))

        let second = try scene.producer("b", timeout: 30_000)
        scene.add([part(0)], to: "b", by: second)
        scene.advance(milliseconds: 20_000)
        scene.move()
        scene.advance(milliseconds: 21_000)
        #expect(scene.shard["b"]?.state == .completeAbort)
    }

    @Test("A time of day that jumps aborts nothing (fault F28)")
    func jumpingClock() throws {
        let scene = TransactionScene()
        scene.add([part(0)], by: try scene.producer(timeout: 60_000))
        scene.time.timeOfDay = Timestamp(scene.time.timeOfDay.value + 3_600_000)
        scene.advance(milliseconds: 20_000)
        #expect(scene.shard["a"]?.state == .ongoing)
        scene.time.timeOfDay = Timestamp(scene.time.timeOfDay.value - 7_200_000)
        scene.advance(milliseconds: 60_000)
        #expect(scene.shard["a"]?.state == .completeAbort)
    }

    @Test("Rule 34: ids that rest are forgotten after their time, in batches; never one with a transaction")
    func expires() throws {
        let scene = TransactionScene {
            $0.idExpirationMilliseconds = 7_200_000
            $0.tombstonesAtOnceMax = 2
        }
        for id in ["a", "b", "c"] { _ = try scene.producer(id) }
        let busy = try scene.producer("d", timeout: 900_000)
        scene.marksAtOnce = false
        scene.add([part(0)], to: "d", by: busy)
        scene.end("d", by: busy, commit: true)
        scene.advance(milliseconds: 4_000_000)
        let young = try scene.producer("e")
        scene.advance(milliseconds: 4_000_000)
        #expect(scene.log.count { $0.value == nil } == 3)
        #expect(scene.shard["a"] == nil)
        #expect(scene.shard["d"]?.state == .prepareCommit)
        #expect(scene.end("e", by: young, commit: false)?.identity != nil)
        #expect(scene.begin("a")?.identity != nil)
    }

    @Test("Records are Kafka's, in both versions", arguments: [Int16(0), 1, 2])
    func records(version: Int16) throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        scene.add([part(1), part(0), part(3, of: "u")], by: producer)
        scene.end(by: producer, commit: false)
        for record in scene.log {
            let bytes = try #require(record.valueBytes(level: version))
            #expect(bytes.bigEndian(Int16.self, at: 0) == (version == 0 ? 0 : 1))
            let read = try #require(try TransactionRecord.decode(key: record.keyBytes, value: bytes))
            #expect(read.transactionalID == "a")
            #expect(read.value?.state == record.value?.state)
            #expect(read.value?.partitions == record.value?.partitions)
            #expect(read.value?.producerEpoch == record.value?.producerEpoch)
            #expect(read.value?.startTimestamp == record.value?.startTimestamp)
            #expect(read.value?.clientVersion == (version == 0 ? 0 : record.value?.clientVersion))
        }
        let key = scene.log[0].keyBytes
        #expect(key.array == [0, 0, 0, 1, 0x61])
        #expect(try TransactionRecord.decode(key: key, value: nil) == TransactionRecord("a", nil))
        #expect(throws: TransactionRecordError.self) {
            try TransactionRecord.decode(key: key, value: Bytes([0, 1, 2]))
        }
    }
}
