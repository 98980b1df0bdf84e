import ClientCore
import Primitives
import Testing
import WireMessages

@Suite("Transactional producer")
struct TransactionMachineTests {
    static let place = TopicPartition("t", PartitionIndex(0))
    static let other = TopicPartition("t", PartitionIndex(1))
    static let offsets = TransactionMachine.GroupOffsets(
        group: "g", positions: [place: CommittedOffsets.Position(offset: Offset(3), leaderEpoch: nil)])

    /// A producer with its clock, and what it was told to do.
    struct Scene {
        var machine: TransactionMachine
        var view = Views.view(leaders: [1, 2])
        var now = MonotonicInstant(0)
        var generator = SeededGenerator(seed: 1)
        var effects: [TransactionMachine.Effect] = []
        /// Batches that are on their way.
        var batches: [OutgoingBatch] = []

        init(
            hasOwnEpochs: Bool = true, takesEpochInDoubt: Bool = true,
            _ change: (inout TransactionMachine.Settings) -> Void = { _ in }
        ) {
            var settings = TransactionMachine.Settings(transactionalID: "id")
            settings.hasOwnEpochs = hasOwnEpochs
            settings.takesEpochInDoubt = takesEpochInDoubt
            change(&settings)
            machine = TransactionMachine(settings: settings)
        }

        static func identity(_ epoch: Int16) -> ProducerIdentity {
            ProducerIdentity(id: ProducerID(7), epoch: ProducerEpoch(epoch))
        }

        /// Lets the machine go on until it waits for something; coordinators are found at once.
        mutating func advance() {
            effects = []
            while true {
                let more = machine.advance(now: now, view: view)
                for case .produce(_, let sent) in more { batches += sent }
                effects += more
                if more.contains(where: { if case .findCoordinator = $0 { true } else { false } }) {
                    machine.found(BrokerID(3), now: now, using: &generator)
                } else if more.allSatisfy({ if case .refreshMetadata = $0 { true } else { false } }) {
                    return
                }
            }
        }

        var question: CoordinatorQuestion? {
            for case .ask(let question, _) in effects { return question }
            return nil
        }

        mutating func answer(_ error: ErrorCode?, epoch: Int16? = nil) {
            let producer = epoch.map(Scene.identity)
            let told = machine.answered(error, producer: producer, now: now, using: &generator)
            now = now.advanced(byMilliseconds: 2_000)
            advance()
            effects = told + effects
        }

        mutating func write(_ error: ErrorCode? = .noError) {
            let batch = batches.removeFirst()
            let told = machine.produced(batch, error: error, baseOffset: Offset(0), now: now, using: &generator)
            now = now.advanced(byMilliseconds: 2_000)
            advance()
            effects = told + effects
        }

        mutating func add(to place: TopicPartition = TransactionMachineTests.place) {
            machine.add(OutgoingRecord(ticket: 1, key: nil, value: [1], timestamp: Timestamp(0)), to: place, now: now)
        }

        /// Up to an open transaction of epoch 0 with one record that is on its way.
        mutating func open() {
            machine.begin()
            add()
            advance()
            if case .initProducer = question { answer(.noError, epoch: 0) }
            if case .addPartitions = question { answer(.noError) }
        }

        /// Epoch and first sequence of each batch that is on its way.
        var numbers: [[Int]] {
            batches.compactMap(\.stamp).map { [Int($0.producer.epoch.value), Int($0.baseSequence)] }
        }

        var ending: TransactionMachine.Ending? {
            for case .ended(let ending) in effects { return ending }
            return nil
        }
    }

    private func isEnd(_ question: CoordinatorQuestion?, commits: Bool, epoch: Int16) -> Bool {
        guard case .end(let request) = question else { return false }
        return request.committed == commits && request.producerEpoch == ProducerEpoch(epoch)
    }

    @Test("With own epochs: writes at once, and goes on with the epoch that the end brings, from sequence 0")
    func ownEpochs() {
        var scene = Scene()
        scene.open()
        #expect(scene.numbers == [[0, 0]])
        scene.machine.commit()
        scene.advance()
        #expect(scene.question == nil)
        scene.write()
        #expect(isEnd(scene.question, commits: true, epoch: 0))
        scene.answer(.noError, epoch: 1)
        #expect(scene.ending == .committed)
        scene.open()
        #expect(scene.numbers == [[1, 0]])
    }

    @Test("Without: adds each partition first, keeps its epoch, and its sequences go on")
    func oneEpoch() {
        var scene = Scene(hasOwnEpochs: false)
        scene.machine.begin()
        scene.add()
        scene.advance()
        scene.answer(.noError, epoch: 0)
        #expect(scene.batches.isEmpty)
        guard case .addPartitions(let request) = scene.question else {
            Issue.record("\(scene.effects)")
            return
        }
        #expect(request.v3AndBelowTopics.map(\.partitions) == [[PartitionIndex(0)]])
        scene.answer(.noError)
        scene.add(to: TransactionMachineTests.other)
        scene.advance()
        scene.answer(.noError)
        #expect(scene.batches.count == 2)
        scene.write()
        scene.write()
        scene.machine.commit()
        scene.advance()
        #expect(isEnd(scene.question, commits: true, epoch: 0))
        scene.answer(.noError)
        #expect(scene.ending == .committed)
        scene.open()
        #expect(scene.numbers == [[0, 1]])
    }

    @Test(
        "A commit without an answer is asked again, of a coordinator that is looked for anew", arguments: [true, false])
    func repeatsCommit(hasOwnEpochs: Bool) {
        var scene = Scene(hasOwnEpochs: hasOwnEpochs)
        scene.open()
        scene.write()
        scene.machine.commit()
        scene.advance()
        scene.answer(nil)
        #expect(scene.effects.contains(.findCoordinator(.ofTransaction)))
        #expect(isEnd(scene.question, commits: true, epoch: 0))
        scene.answer(.concurrentTransactions)
        #expect(isEnd(scene.question, commits: true, epoch: 0))
        scene.answer(.noError, epoch: hasOwnEpochs ? 1 : nil)
        #expect(scene.ending == .committed)
        // What is late of the old epoch is refused from then on.
        if !hasOwnEpochs {
            guard case .initProducer(let request) = scene.question else {
                Issue.record("\(scene.effects)")
                return
            }
            #expect(request.producerID == ProducerID(7) && request.producerEpoch == ProducerEpoch(0))
        }
    }

    @Test("As Kafka's producer without own epochs, doubt does not lead to another epoch, but a given up batch does")
    func kafkasEpoch() {
        var scene = Scene(hasOwnEpochs: false, takesEpochInDoubt: false)
        scene.open()
        scene.write()
        scene.machine.commit()
        scene.advance()
        scene.answer(nil)
        scene.answer(.noError)
        scene.open()
        #expect(scene.batches.count == 1)
        scene.machine.abort()
        scene.advance()
        scene.write(nil)
        #expect(isEnd(scene.question, commits: false, epoch: 0))
        scene.answer(.noError)
        #expect(scene.ending == .aborted)
        if case .initProducer? = scene.question {} else { Issue.record("\(scene.effects)") }
    }

    @Test("A transaction that ends unasked does not save the producer the epoch that the one before it needs")
    func epochStaysNeeded() {
        var scene = Scene(hasOwnEpochs: false)
        scene.open()
        scene.write()
        scene.machine.abort()
        scene.advance()
        scene.answer(nil)
        scene.answer(.noError)
        #expect(scene.ending == .aborted)
        _ = scene.machine.answered(.concurrentTransactions, now: scene.now, using: &scene.generator)
        scene.machine.begin()
        scene.machine.abort()
        scene.advance()
        #expect(scene.ending == .aborted && scene.question == nil)
        scene.machine.begin()
        scene.add()
        scene.now = scene.now.advanced(byMilliseconds: 2_000)
        scene.advance()
        if case .initProducer? = scene.question {} else { Issue.record("\(scene.effects)") }
        #expect(scene.batches.isEmpty)
    }

    @Test("Who is fenced can't go on; whether it had committed is unknown only where a commit had no answer")
    func fenced() {
        for isAsked in [true, false] {
            var scene = Scene()
            scene.open()
            scene.write()
            scene.machine.commit()
            scene.advance()
            if isAsked { scene.answer(nil) }
            scene.answer(.producerFenced)
            #expect(scene.ending == .failed(.producerFenced, mayBeCommitted: isAsked))
            #expect(scene.machine.hasFailed)
            scene.advance()
            #expect(scene.effects.isEmpty)
        }
    }

    @Test("What makes a commit impossible is told, and the transaction is aborted")
    func mustAbort() {
        var scene = Scene()
        scene.open()
        scene.machine.commit()
        scene.write(.transactionAbortable)
        #expect(scene.effects.first == .mustAbort(.transactionAbortable))
        #expect(scene.question == nil)
        scene.machine.abort()
        scene.advance()
        #expect(isEnd(scene.question, commits: false, epoch: 0))
        scene.answer(.noError, epoch: 1)
        #expect(scene.ending == .aborted)
    }

    @Test("A commit that is under way counts, though it was to be aborted meanwhile")
    func lateAbort() {
        var scene = Scene()
        scene.open()
        scene.write()
        scene.machine.commit()
        scene.advance()
        scene.machine.abort()
        scene.answer(.noError, epoch: 1)
        #expect(scene.ending == .committed)
    }

    @Test("An abort after a commit without an answer is asked for in the same epoch")
    func abortInDoubt() {
        var scene = Scene()
        scene.open()
        scene.write()
        scene.machine.commit()
        scene.advance()
        scene.machine.abort()
        scene.answer(nil)
        #expect(isEnd(scene.question, commits: false, epoch: 0))
        scene.answer(.invalidTxnState)
        #expect(scene.ending == .failed(.invalidTxnState, mayBeCommitted: true))
    }

    @Test(
        "Without own epochs, behind a commit without an answer: an abort may be of what a late addition began",
        arguments: [false, true])
    func abortBehindLateAddition(isAdditionInDoubt: Bool) {
        var scene = Scene(hasOwnEpochs: false)
        scene.machine.begin()
        scene.add()
        scene.advance()
        scene.answer(.noError, epoch: 0)
        if isAdditionInDoubt { scene.answer(nil) }
        scene.answer(.noError)
        scene.write()
        scene.machine.commit()
        scene.advance()
        scene.answer(nil)
        scene.machine.abort()
        scene.advance()
        scene.answer(nil)
        #expect(isEnd(scene.question, commits: false, epoch: 0))
        scene.answer(.noError)
        #expect(scene.ending == (isAdditionInDoubt ? .inDoubt : .aborted))
        guard case .initProducer? = scene.question else { Issue.record("\(scene.effects)"); return }
        scene.answer(.noError, epoch: 1)
        scene.machine.begin()
        scene.add()
        scene.advance()
        scene.answer(.noError)
        scene.write()
        scene.machine.abort()
        scene.advance()
        scene.answer(.noError)
        #expect(scene.ending == .aborted)
    }

    @Test("A batch that is refused for now, or gets no answer, is sent again as it was")
    func repeatsBatch() {
        var scene = Scene()
        scene.open()
        let first = scene.batches[0].stamp
        scene.write(nil)
        scene.write(.concurrentTransactions)
        scene.write(.notLeaderOrFollower)
        #expect(scene.batches.map(\.stamp) == [first])
    }

    @Test("An aborted transaction waits for the batches on their way, and sends no more")
    func abortWaits() {
        var scene = Scene()
        scene.open()
        scene.add()
        scene.machine.abort()
        scene.advance()
        #expect(scene.question == nil)
        scene.write(nil)
        #expect(scene.batches.isEmpty && isEnd(scene.question, commits: false, epoch: 0))
    }

    @Test("A transaction that no coordinator knows of ends without a word")
    func empty() {
        var scene = Scene()
        scene.machine.begin()
        scene.advance()
        scene.answer(.noError, epoch: 0)
        scene.machine.commit()
        scene.advance()
        #expect(scene.ending == .committed)
    }

    @Test("A group's offsets are written before the end; without own epochs the group is added first")
    func groupOffsets() {
        for hasOwnEpochs in [true, false] {
            var scene = Scene(hasOwnEpochs: hasOwnEpochs)
            scene.open()
            scene.write()
            scene.machine.add(TransactionMachineTests.offsets)
            scene.machine.commit()
            scene.advance()
            if !hasOwnEpochs {
                if case .addOffsets? = scene.question {} else { Issue.record("\(scene.effects)") }
                scene.answer(.noError)
            }
            #expect(scene.effects.contains(.findCoordinator(.ofGroup("g"))))
            if case .commitOffsets? = scene.question {} else { Issue.record("\(scene.effects)") }
            scene.answer(.noError)
            #expect(isEnd(scene.question, commits: true, epoch: 0))
        }
    }

    @Test("Without own epochs, an addition without an answer is settled first: else there is nothing to abort")
    func unresolvedAddition() {
        var scene = Scene(hasOwnEpochs: false)
        scene.machine.begin()
        scene.add()
        scene.advance()
        scene.answer(.noError, epoch: 0)
        scene.machine.abort()
        scene.answer(nil)
        if case .addPartitions? = scene.question {} else { Issue.record("\(scene.effects)") }
        scene.answer(.noError)
        #expect(isEnd(scene.question, commits: false, epoch: 0))
    }

    @Test("Records wait for others as long as they are to, unless the transaction is to be committed")
    func linger() {
        for isCommitted in [true, false] {
            var scene = Scene { $0.lingerMilliseconds = 5_000 }
            scene.open()
            #expect(scene.batches.isEmpty)
            #expect(scene.machine.nextWake(now: scene.now) == MonotonicInstant(0).advanced(byMilliseconds: 5_000))
            if isCommitted {
                scene.machine.commit()
            } else {
                scene.now = MonotonicInstant(0).advanced(byMilliseconds: 5_000)
            }
            scene.advance()
            #expect(scene.numbers == [[0, 0]])
        }
    }

    @Test("A batch that can't be written in time makes a commit impossible, whether its leader is known or not")
    func expiry() {
        for isLed in [true, false] {
            var scene = Scene { $0.deliveryMillisecondsMax = 3_000 }
            if !isLed { scene.view = Views.view(leaders: [nil, nil]) }
            scene.machine.begin()
            scene.add()
            scene.advance()
            scene.now = MonotonicInstant(0).advanced(byMilliseconds: 900)
            scene.answer(.noError, epoch: 0)
            #expect(isLed == !scene.batches.isEmpty)
            scene.now = MonotonicInstant(0).advanced(byMilliseconds: 3_000)
            scene.advance()
            if isLed {
                #expect(scene.effects.isEmpty, "it is on its way")
                scene.write(nil)
            }
            #expect(scene.effects.contains(.mustAbort(.requestTimedOut)))
        }
    }

    @Test("A batch is sent again as often as it may be, then a commit is impossible")
    func retries() {
        var scene = Scene { $0.retriesMax = 1 }
        scene.open()
        scene.write(.notLeaderOrFollower)
        #expect(scene.batches.count == 1)
        scene.write(.notLeaderOrFollower)
        #expect(scene.effects.first == .mustAbort(.notLeaderOrFollower))
        scene.machine.abort()
        scene.advance()
        #expect(isEnd(scene.question, commits: false, epoch: 0))
    }

    @Test("A request has the batches that fit; the next one to the same broker has the rest")
    func requestBytes() {
        var scene = Scene { $0.requestBytesMax = 150 }
        scene.view = Views.view(leaders: [1, 1])
        scene.machine.begin()
        scene.add()
        scene.add(to: TransactionMachineTests.other)
        scene.advance()
        scene.answer(.noError, epoch: 0)
        let counts = scene.effects.compactMap { effect -> Int? in
            if case .produce(_, let batches) = effect { batches.count } else { nil }
        }
        #expect(counts == [1, 1])
    }
}
