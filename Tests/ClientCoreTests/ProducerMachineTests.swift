import ClientCore
import Primitives
import Testing

@Suite("Producer")
struct ProducerMachineTests {
    static let place = TopicPartition("t", PartitionIndex(0))
    static let identity = ProducerIdentity(id: ProducerID(7), epoch: ProducerEpoch(0))

    /// A producer with its clock and what it was told to do.
    struct Scene {
        var machine: ProducerMachine
        var view = Views.view(leaders: [1, 2])
        var now = MonotonicInstant(0)
        var generator = SeededGenerator(seed: 1)
        var nextTicket: UInt64 = 0

        init(_ change: (inout ProducerMachine.Settings) -> Void = { _ in }) {
            var settings = ProducerMachine.Settings()
            settings.lingerMilliseconds = 0
            settings.batchBytesMax = 200
            change(&settings)
            machine = ProducerMachine(settings: settings)
        }

        mutating func add(_ count: Int = 1, to place: TopicPartition = ProducerMachineTests.place) throws {
            for _ in 0..<count {
                let record = OutgoingRecord(
                    ticket: nextTicket, key: nil, value: [UInt8](repeating: 1, count: 100), timestamp: Timestamp(0))
                try machine.add(record, to: place, now: now)
                nextTicket += 1
            }
        }

        /// Lets the machine go on; the identity is given at once.
        mutating func advance() -> [ProducerMachine.Effect] {
            var effects = machine.advance(now: now, view: view)
            if effects.contains(.obtainIdentity) {
                effects.removeAll { $0 == .obtainIdentity }
                machine.identityObtained(ProducerMachineTests.identity)
                effects += machine.advance(now: now, view: view)
            }
            return effects
        }

        mutating func sent() -> [OutgoingBatch] {
            advance().flatMap { effect -> [OutgoingBatch] in
                if case .send(_, let batches) = effect { batches } else { [] }
            }
        }

        mutating func answer(_ batch: OutgoingBatch, _ error: ErrorCode, offset: Int64? = nil) -> [ProducerMachine
            .Effect]
        {
            machine.requestEnded(by: BrokerID(1))
            return machine.answered(
                batch, error: error, baseOffset: offset.map(Offset.init), now: now, using: &generator)
        }

        /// Has one record taken, so that more may be in flight.
        mutating func establish() throws {
            try add()
            for batch in sent() { _ = answer(batch, .noError, offset: 0) }
        }

        mutating func pass(_ milliseconds: Int64) { now = now.advanced(byMilliseconds: milliseconds) }
    }

    @Test("Sequence numbers follow each other through batches")
    func sequences() throws {
        var scene = Scene()
        try scene.establish()
        try scene.add(3)
        let first = scene.sent(), second = scene.sent(), third = scene.sent()
        #expect([first, second, third].map { $0.map { $0.stamp?.baseSequence } } == [[1], [2], [3]])
    }

    @Test("A second batch waits until the partition knows the producer: else it could be taken as its first")
    func establishes() throws {
        var scene = Scene()
        try scene.add(3)
        let first = scene.sent()
        #expect(first.count == 1 && scene.sent().isEmpty)
        _ = scene.answer(first[0], .notLeaderOrFollower)
        scene.pass(1_000)
        let again = scene.sent()
        #expect(again.map(\.stamp) == first.map(\.stamp) && scene.sent().isEmpty)
        _ = scene.answer(again[0], .noError, offset: 0)
        #expect(scene.sent().count == 1 && scene.sent().count == 1)
    }

    @Test("A batch whose answer got lost is sent again with its sequence, before what came later")
    func retryKeepsSequence() throws {
        var scene = Scene()
        try scene.establish()
        try scene.add(2)
        let first = scene.sent()[0], second = scene.sent()[0]
        scene.machine.requestEnded(by: BrokerID(1))
        _ = scene.machine.unanswered([first], mayBeWritten: true, now: scene.now, using: &scene.generator)
        _ = scene.answer(second, .outOfOrderSequenceNumber)
        scene.pass(100)
        let again = scene.sent()
        #expect(again.map(\.number) == [first.number])
        #expect(again[0].stamp == first.stamp)
        #expect(scene.sent().map(\.stamp) == [second.stamp])
    }

    @Test("A repeat that the broker knows counts as delivered")
    func duplicate() throws {
        var scene = Scene()
        try scene.add()
        let batch = scene.sent()[0]
        #expect(
            scene.answer(batch, .duplicateSequenceNumber)
                == [.delivered(tickets: [0], place: Self.place, baseOffset: nil)])
        #expect(scene.machine.isIdle)
    }

    @Test("No more than five requests are in flight to a broker")
    func inFlight() throws {
        var scene = Scene()
        try scene.establish()
        try scene.add(8)
        var sent: [OutgoingBatch] = []
        for _ in 0..<8 { sent += scene.sent() }
        #expect(sent.count == 5)
        _ = scene.answer(sent[0], .noError, offset: 0)
        #expect(scene.sent().map(\.number) == [6])
    }

    @Test("A gap in the sequences leads to a new identity once nothing is in flight; unsure batches fail")
    func newIdentity() throws {
        var scene = Scene()
        try scene.establish()
        try scene.add(2)
        let first = scene.sent()[0], second = scene.sent()[0]
        #expect(scene.answer(first, .outOfOrderSequenceNumber) == [])
        #expect(scene.machine.advance(now: scene.now, view: scene.view) == [], "the second is in flight")
        scene.machine.requestEnded(by: BrokerID(1))
        _ = scene.machine.unanswered([second], mayBeWritten: true, now: scene.now, using: &scene.generator)
        let effects = scene.machine.advance(now: scene.now, view: scene.view)
        #expect(effects == [.failed(tickets: [2], place: Self.place, .expired(last: nil)), .obtainIdentity])
        scene.machine.identityObtained(ProducerIdentity(id: ProducerID(8), epoch: ProducerEpoch(0)))
        scene.pass(1_000)
        let again = scene.sent()
        #expect(again.map(\.records.count) == [1])
        #expect(again[0].stamp?.producer.id == ProducerID(8))
        #expect(again[0].stamp?.baseSequence == 0)
    }

    @Test(
        "What may have been appended before an error is not sent under another identity",
        arguments: [
            (ErrorCode.notEnoughReplicasAfterAppend, true), (.requestTimedOut, true), (.notLeaderOrFollower, true),
            (.notEnoughReplicas, false),
        ])
    func noSecondCopy(error: ErrorCode, mayBeWritten: Bool) throws {
        var scene = Scene()
        try scene.establish()
        try scene.add(2)
        let first = scene.sent()[0], second = scene.sent()[0]
        _ = scene.answer(second, error)
        #expect(scene.answer(first, .outOfOrderSequenceNumber) == [])
        let effects = scene.machine.advance(now: scene.now, view: scene.view)
        let lost = ProducerMachine.Effect.failed(tickets: [2], place: Self.place, .expired(last: nil))
        #expect(effects == (mayBeWritten ? [lost] : []) + [.obtainIdentity])
    }

    @Test("What can't be delivered in time fails, and says after which error")
    func expiry() throws {
        var scene = Scene { $0.deliveryMillisecondsMax = 1_000 }
        try scene.add()
        let batch = scene.sent()[0]
        scene.pass(2_000)
        #expect(
            scene.answer(batch, .notEnoughReplicas)
                == [.failed(tickets: [0], place: Self.place, .expired(last: .notEnoughReplicas))])
    }

    @Test("A batch is sent again as often as the settings say, and then fails with the last error")
    func retriesMax() throws {
        var scene = Scene { $0.retriesMax = 1 }
        try scene.add()
        #expect(scene.answer(scene.sent()[0], .notLeaderOrFollower) == [.refreshMetadata(topics: ["t"])])
        scene.pass(1_000)
        #expect(
            scene.answer(scene.sent()[0], .notLeaderOrFollower)
                == [.failed(tickets: [0], place: Self.place, .refused(.notLeaderOrFollower))])
    }

    @Test("An error that no retry helps fails the batch at once")
    func refused() throws {
        var scene = Scene()
        try scene.add()
        let batch = scene.sent()[0]
        #expect(
            scene.answer(batch, .messageTooLarge)
                == [.failed(tickets: [0], place: Self.place, .refused(.messageTooLarge))])
    }

    @Test("A partition without a leader waits for metadata; the others go on")
    func leaderless() throws {
        var scene = Scene()
        scene.view = Views.view(leaders: [nil, 2])
        try scene.add()
        try scene.add(to: TopicPartition("t", PartitionIndex(1)))
        let effects = scene.advance()
        #expect(effects.last == .refreshMetadata(topics: ["t"]))
        #expect(effects.count == 2)
    }

    @Test("Records wait for their batch to fill, but no longer than they may linger")
    func linger() throws {
        var scene = Scene {
            $0.lingerMilliseconds = 10
            $0.batchBytesMax = 1_000
        }
        try scene.add()
        #expect(scene.sent().isEmpty)
        #expect(scene.machine.nextWake(now: scene.now, view: scene.view) == scene.now.advanced(byMilliseconds: 10))
        scene.pass(10)
        try scene.add()
        #expect(scene.sent().map(\.records.count) == [2])
    }

    @Test("What waits for an answer is woken up for by its end only")
    func wakesForNothingElse() throws {
        var scene = Scene {
            $0.lingerMilliseconds = 0
            $0.requestsInFlightMax = 1
            $0.deliveryMillisecondsMax = 5_000
        }
        try scene.add()
        let batch = scene.sent()[0]
        #expect(scene.machine.nextWake(now: scene.now, view: scene.view) == nil)
        try scene.add()
        #expect(scene.sent().isEmpty)
        #expect(
            scene.machine.nextWake(now: scene.now, view: scene.view) == scene.now.advanced(byMilliseconds: 5_000))
        _ = scene.answer(batch, .noError)
        #expect(scene.machine.nextWake(now: scene.now, view: scene.view) == scene.now)
        #expect(scene.sent().count == 1)
    }

    @Test("The buffer and a request have bounds")
    func bounds() throws {
        var scene = Scene {
            $0.bufferBytesMax = 300
            $0.requestBytesMax = 250
        }
        try scene.add(2)
        #expect(throws: ProducerMachine.Failure.bufferFull) { try scene.add() }
        let large = OutgoingRecord(
            ticket: 9, key: nil, value: [UInt8](repeating: 1, count: 300), timestamp: Timestamp(0))
        #expect(throws: ProducerMachine.Failure.self) {
            try scene.machine.add(large, to: Self.place, now: scene.now)
        }
    }

    @Test("Without an identity for good, all that waits fails")
    func identityRefused() throws {
        var scene = Scene()
        try scene.add()
        #expect(scene.machine.advance(now: scene.now, view: scene.view) == [.obtainIdentity])
        #expect(
            scene.machine.identityRefused(forGood: .clusterAuthorizationFailed)
                == [.failed(tickets: [0], place: Self.place, .refused(.clusterAuthorizationFailed))])
    }

    /// A broker that loses answers, refuses and forgets nothing, against a producer of many records.
    @Test("Whatever answers get lost, each record is written once and in order", arguments: 0..<200 as Range<UInt64>)
    func randomLosses(seed: UInt64) throws {
        var scene = Scene { $0.deliveryMillisecondsMax = 1_000_000 }
        var chance = SeededGenerator(seed: seed)
        var log: [UInt64] = []
        var nextSequence: Int32 = 0
        var delivered: Set<UInt64> = []
        var pending = 30
        for _ in 0..<3_000 where delivered.count < 30 {
            if pending > 0, chance.chance(1, in: 2) {
                try scene.add()
                pending -= 1
            }
            var flying = scene.sent()
            while !flying.isEmpty {
                // Requests arrive in the order in which they left.
                let batch = flying.removeFirst()
                let sequence = try #require(batch.stamp).baseSequence
                let isRepeat = sequence < nextSequence
                let fate = chance.next() % 4
                let arrives = fate != 0
                var error = ErrorCode.noError
                if arrives {
                    if sequence > nextSequence { error = .outOfOrderSequenceNumber }
                    if sequence == nextSequence, !isRepeat {
                        log += batch.records.map(\.ticket)
                        nextSequence += Int32(batch.records.count)
                    }
                }
                if fate >= 2 {
                    for case .delivered(let tickets, _, _) in scene.answer(batch, error, offset: 0) {
                        delivered.formUnion(tickets)
                    }
                } else {
                    scene.machine.requestEnded(by: BrokerID(1))
                    _ = scene.machine.unanswered(
                        [batch], mayBeWritten: true, now: scene.now, using: &scene.generator)
                }
            }
            scene.pass(50)
        }
        #expect(log == Array(0..<30))
        #expect(delivered.count == 30)
    }
}
