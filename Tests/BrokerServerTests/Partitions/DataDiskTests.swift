import Primitives
import Replication
import Synchronization
import Testing
import World

@testable import BrokerServer

/// A pool whose work waits until the test runs it, as on a machine with a slow disk.
private final class HeldPool: BlockingPool {
    private let held = Mutex<[@Sendable () -> Void]>([])

    var count: Int { held.withLock { $0.count } }

    func run(_ work: @escaping @Sendable () -> Void) { held.withLock { $0.append(work) } }

    /// Runs what waits, and what comes of it.
    func runAll() {
        while true {
            let works = held.withLock { held in
                defer { held = [] }
                return held
            }
            if works.isEmpty { return }
            for work in works { work() }
        }
    }
}

@Suite("What each log directory does for itself")
struct DataDiskTests {
    private let pool = HeldPool()
    private let done = Done()

    private final class Done: Sendable {
        private let all = Mutex<[String]>([])
        var names: [String] { all.withLock { $0 } }
        func add(_ name: String) { all.withLock { $0.append(name) } }
    }

    @Test("Chores that a slow disk holds up do not pile up, and never run side by side")
    func oneAtATime() {
        let disk = DataDisk(pool: pool)
        for _ in 0..<10 {
            disk.run(.highWatermarks) { [done] in done.add("high watermarks") }
            disk.run(.recoveryPoints) { [done] in done.add("recovery points") }
        }
        #expect(pool.count == 1, "the second waits for the first")
        pool.runAll()
        #expect(done.names == ["high watermarks", "recovery points"])
        disk.run(.highWatermarks) { [done] in done.add("again") }
        pool.runAll()
        #expect(done.names.last == "again")
    }

    @Test("What is written at the end stays: chores begun before run before it, later ones not at all")
    func finish() {
        let disk = DataDisk(pool: pool)
        disk.run(.cleanedEnds) { [done] in done.add("early") }
        disk.finish { [done] in done.add("end") }
        disk.run(.highWatermarks) { [done] in done.add("late") }
        pool.runAll()
        disk.run(.recoveryPoints) { [done] in done.add("later") }
        pool.runAll()
        #expect(done.names == ["early", "end"])
    }

    @Test("What is under way for a replica leaves its directory alone once that was given up")
    func goneDirectory() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let partition = try broker.partition
        #expect(partition.onDirectory { 7 } == 7)
        partition.leaveDirectory {}
        #expect(partition.onDirectory { 7 } == nil)
        let asked = FollowerReplica.Position(offset: .zero, lastEpoch: nil, leaderEpoch: LeaderEpoch(3))
        #expect(partition.repair(.restart(at: Offset(5)), asked: asked) == .notNeeded)
        _ = try broker.produce(PartitionsUnderTest.batch(10), acks: 1)
        // Its flush ends without a flush, and the next one does not wait for it.
        broker.loop.run()
        #expect(!partition.state.withLock { $0.isFlushing })
        #expect(broker.table.directories.online.count == 1)
    }
}
