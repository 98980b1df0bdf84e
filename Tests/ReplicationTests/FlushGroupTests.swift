import Primitives
import Replication
import Testing

@Suite("Flush group") struct FlushGroupTests {
    /// A log, its requests and the clock around one group; each request is one record of 100 bytes.
    private struct Leader {
        var group = FlushGroup(end: Offset(0))
        var now = MonotonicInstant(0)
        var end: Int64 = 0
        var committed: Int64 = 0
        var waiting: [Int64] = []

        /// - Parameter flushMicroseconds: what a flush took so far; nil where none ran.
        init(flushMicroseconds: Int64? = 400) {
            if let flushMicroseconds { group.flushTook(nanoseconds: flushMicroseconds * 1_000) }
        }

        mutating func pass(microseconds: Int64) { now = MonotonicInstant(now.value + microseconds * 1_000) }

        mutating func append(_ requests: Int, bytes: Int = 100) {
            for _ in 0..<requests {
                end += 1
                waiting.append(end)
            }
            group.appended(requests: requests, bytes: requests * bytes)
        }

        /// Every replica has flushed up to `offset`: the requests below are answered.
        mutating func commit(to offset: Int64) {
            group.caughtUp(to: Offset(offset), now: now)
            committed = offset
            let before = waiting.count
            waiting.removeAll { $0 <= offset }
            group.acknowledged(requests: before - waiting.count, now: now)
        }

        mutating func step() -> FlushGroup.Step {
            group.step(
                FlushGroup.View(logEnd: Offset(end), oldestRequired: waiting.first.map { Offset($0) }), now: now)
        }
    }

    private func instant(_ microseconds: Int64) -> MonotonicInstant { MonotonicInstant(microseconds * 1_000) }

    @Test("One batch after the other is never held back")
    func pingPong() {
        var leader = Leader()
        for number in 1...200 {
            leader.append(1)
            #expect(leader.step() == .released)
            leader.pass(microseconds: 300)
            leader.commit(to: Int64(number))
            #expect(leader.step() == .nothing)
            leader.pass(microseconds: 30)
        }
    }

    @Test("Eight in flight come to go round as one group")
    func oneGroup() {
        var leader = Leader()
        leader.append(1)
        #expect(leader.step() == .released)
        // The others come while the first is being flushed, and then the one that was answered.
        leader.append(7)
        #expect(leader.step() == .held(until: instant(800)))
        leader.pass(microseconds: 400)
        leader.commit(to: 1)
        #expect(leader.step() == .held(until: instant(600)))
        leader.pass(microseconds: 50)
        leader.append(1)
        #expect(leader.step() == .released)
        #expect(leader.group.released == Offset(9))
        // From now on all eight are answered together.
        for round in 1...20 {
            leader.pass(microseconds: 400)
            leader.commit(to: Int64(1 + 8 * round))
            #expect(leader.step() == .nothing)
            for _ in 1...7 {
                leader.pass(microseconds: 10)
                leader.append(1)
                guard case .held = leader.step() else {
                    Issue.record("released before all eight came")
                    return
                }
            }
            leader.append(1)
            #expect(leader.step() == .released)
        }
    }

    @Test("Who has flushed first waits for the others, half a flush at most")
    func othersAreLate() {
        var leader = Leader()
        leader.append(4)
        #expect(leader.step() == .released)
        leader.append(4)
        leader.pass(microseconds: 300)
        leader.group.caughtUp(to: Offset(4), now: leader.now)
        #expect(leader.step() == .held(until: instant(500)))
        leader.pass(microseconds: 150)
        // The second one that is ready does not begin the wait anew.
        leader.group.caughtUp(to: Offset(4), now: leader.now)
        #expect(leader.step() == .held(until: instant(500)))
        leader.pass(microseconds: 50)
        #expect(leader.step() == .released)
        #expect(leader.group.released == Offset(8))
    }

    @Test("While all replicas flush nothing is given out, two flushes at most")
    func allAreBusy() {
        var leader = Leader(flushMicroseconds: 3_000)
        leader.pass(microseconds: 100)
        leader.append(1)
        #expect(leader.step() == .released)
        leader.append(1)
        #expect(leader.step() == .held(until: instant(6_100)))
        leader.pass(microseconds: 6_000)
        #expect(leader.step() == .released)
    }

    @Test("While a very slow disk flushes, what came meanwhile is given out all the same")
    func veryBusy() {
        var leader = Leader(flushMicroseconds: 1_000_000)
        leader.append(1)
        #expect(leader.step() == .released)
        leader.append(1)
        #expect(leader.step() == .held(until: instant(10_000)))
        leader.pass(microseconds: 10_000)
        #expect(leader.step() == .released)
    }

    @Test("A wait is never longer than its bound, however slow the disk is")
    func bound() {
        var leader = Leader(flushMicroseconds: 1_000_000)
        #expect(leader.group.lingerNanoseconds == FlushGroup.lingerMicrosecondsMax * 1_000)
        leader.append(2)
        _ = leader.step()
        leader.commit(to: 2)
        leader.append(1)
        #expect(leader.step() == .held(until: instant(FlushGroup.lingerMicrosecondsMax)))
    }

    @Test("Before the first flush is known nothing waits")
    func unknownDisk() {
        var leader = Leader(flushMicroseconds: nil)
        leader.append(1)
        #expect(leader.step() == .released)
        leader.append(1)
        #expect(leader.step() == .released)
        leader.commit(to: 2)
        leader.append(1)
        #expect(leader.step() == .released)
    }

    @Test("A producer that stops is waited for once")
    func producerStops() {
        var leader = Leader()
        leader.append(2)
        _ = leader.step()
        leader.commit(to: 2)
        leader.append(1)
        #expect(leader.step() == .held(until: instant(200)))
        leader.pass(microseconds: 200)
        #expect(leader.step() == .released)
        for offset in 3...20 {
            leader.commit(to: Int64(offset))
            leader.append(1)
            #expect(leader.step() == .released)
            leader.pass(microseconds: 400)
        }
    }

    @Test("Waits that bring nothing become rare, and one that does brings them back")
    func becomesRare() {
        var leader = Leader()
        var waits = 0
        // Two are answered each time, and one comes at once: half of them never comes in time.
        for _ in 1...500 {
            leader.append(2)
            if leader.step() != .released {
                leader.pass(microseconds: 1_000)
                #expect(leader.step() == .released)
            }
            leader.pass(microseconds: 400)
            leader.commit(to: leader.end)
            leader.append(1)
            if case .held = leader.step() {
                waits += 1
                leader.pass(microseconds: 200)
                #expect(leader.step() == .released)
            }
            leader.commit(to: leader.end)
            leader.pass(microseconds: 1_000)
        }
        #expect((5...40).contains(waits), "\(waits) waits")
    }

    @Test("Where most come in time, one that is late keeps nobody from being waited for")
    func oneIsLate() {
        var leader = Leader()
        leader.append(8)
        _ = leader.step()
        for _ in 1...50 {
            leader.pass(microseconds: 400)
            let waiting = leader.waiting.count
            leader.commit(to: leader.group.released.value)
            leader.append(waiting - leader.waiting.count - 1)
            guard case .held = leader.step() else {
                Issue.record("released before the last one's time was over")
                return
            }
            leader.pass(microseconds: 200)
            #expect(leader.step() == .released)
            leader.append(1)
            _ = leader.step()
        }
    }

    @Test("A large group waits for nothing")
    func large() {
        var leader = Leader()
        leader.append(1)
        _ = leader.step()
        leader.append(3, bytes: FlushGroup.bytesMax / 4)
        guard case .held = leader.step() else {
            Issue.record("released below the bound")
            return
        }
        leader.append(1, bytes: FlushGroup.bytesMax / 4)
        #expect(leader.step() == .released)
    }

    @Test("What nobody waits for an answer to is held back for nobody")
    func unacknowledged() {
        var leader = Leader()
        for _ in 1...10 {
            leader.end += 1
            leader.group.appended(requests: 0, bytes: 100)
            #expect(leader.step() == .released)
        }
    }

    @Test("A restart releases all and keeps what is known of the disk")
    func restart() {
        var leader = Leader()
        leader.append(1)
        _ = leader.step()
        leader.append(1)
        guard case .held = leader.step() else {
            Issue.record("nothing was held back")
            return
        }
        leader.group.restart(end: Offset(2))
        #expect(leader.step() == .nothing)
        #expect(leader.group.lingerNanoseconds == 200_000)
    }

    @Test("How long a group was held back is told with its release, and nothing where it was not")
    func waits() {
        var leader = Leader(flushMicroseconds: 400)
        leader.append(1)
        #expect(leader.step() == .released)
        #expect(leader.group.waitedNanoseconds == nil)
        leader.append(3)
        guard case .held = leader.step() else {
            Issue.record("nothing was held back")
            return
        }
        leader.pass(microseconds: 120)
        _ = leader.step()
        leader.pass(microseconds: 10_000)
        #expect(leader.step() == .released)
        #expect(leader.group.waitedNanoseconds == 10_120_000)
        leader.commit(to: 4)
        leader.pass(microseconds: 1_000)
        leader.append(1)
        #expect(leader.step() == .released)
        #expect(leader.group.waitedNanoseconds == nil)
    }
}
