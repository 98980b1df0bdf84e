import LogStorage
import Primitives
import Testing
import WireProtocol
import World

@Suite("Crashes during compaction")
struct CompactionCrashTests {
    private func filled(_ disk: SimDisk) throws -> (fixture: LogFixture, model: [String: String]) {
        var fixture = try LogFixture.compacted(disk)
        var model: [String: String] = [:]
        for round in 0..<40 {
            let key = "k\(round % 6)"
            model[key] = "\(round)"
            _ = try fixture.append(keyed([(key, "\(round)")]))
        }
        _ = try fixture.append(keyed([("gone", nil)]))
        try fixture.log.roll(now: fixture.now)
        _ = try fixture.append(keyed([("end", "1")]))
        model["end"] = "1"
        try fixture.log.flush()
        return (fixture, model)
    }

    @Test("Crash at every operation of a compaction: no key loses its value, and the next one goes through")
    func everyOperation() throws {
        let disk = SimDisk()
        var (fixture, model) = try filled(disk)
        let end = fixture.log.logEndOffset
        let before = disk.operations
        let template = disk.copy()
        try fixture.compact()
        try fixture.log.flush()
        let operations = disk.operations - before
        #expect(operations > 20)
        var generator = SeededGenerator(seed: 27)
        for stop in 0...operations {
            for _ in 0..<3 {
                let crashing = template.copy()
                var victim = try reopened(crashing, recoveryPoint: end)
                crashing.stop(atOperation: crashing.operations + stop)
                do { try victim.compact() } catch { _ = error }
                crashing.crash(using: &generator)
                var survivor = try reopened(crashing, recoveryPoint: end)
                #expect(survivor.log.logEndOffset == end, "stopped at \(stop)")
                #expect(try survivor.table() == model, "stopped at \(stop)")
                #expect(try survivor.names.allSatisfy { !$0.hasSuffix(".swap") && !$0.hasSuffix(".cleaned") })
                try survivor.compact()
                #expect(try survivor.table() == model, "stopped at \(stop)")
                #expect(try survivor.records().count == model.count + 1, "stopped at \(stop)")
            }
        }
    }

    @Test("Crash at every operation of the recovery of a swap: the next start finishes it")
    func everyOperationOfRecovery() throws {
        let disk = SimDisk()
        var (fixture, model) = try filled(disk)
        let end = fixture.log.logEndOffset
        let template = disk.copy()
        let before = disk.operations
        try fixture.compact()
        let operations = disk.operations - before
        var generator = SeededGenerator(seed: 28)
        var swaps = 0
        for stop in 0...operations {
            let crashing = template.copy()
            var victim = try reopened(crashing, recoveryPoint: end)
            crashing.stop(atOperation: crashing.operations + stop)
            do { try victim.compact() } catch { _ = error }
            crashing.kill()
            crashing.stop(atOperation: nil)
            guard try crashing.list(LogFixture.directory).contains(where: { $0.name.hasSuffix(".log.swap") }) else {
                continue
            }
            swaps += 1
            for second in 0..<12 {
                let again = crashing.copy()
                again.stop(atOperation: again.operations + second)
                do { _ = try reopened(again, recoveryPoint: end) } catch { _ = error }
                again.crash(using: &generator)
                var survivor = try reopened(again, recoveryPoint: end)
                #expect(try survivor.table() == model, "stopped at \(stop), then \(second)")
            }
        }
        #expect(swaps > 3)
    }

    @Test("A leftover of an earlier compaction does not undo a swap whose old segments are set aside")
    func leftover() throws {
        let disk = SimDisk()
        var (fixture, model) = try filled(disk)
        let end = fixture.log.logEndOffset
        let template = disk.copy()
        let before = disk.operations
        try fixture.compact()
        let operations = disk.operations - before
        var swaps = 0
        for stop in 0...operations {
            let crashing = template.copy()
            var victim = try reopened(crashing, recoveryPoint: end)
            crashing.stop(atOperation: crashing.operations + stop)
            do { try victim.compact() } catch { _ = error }
            crashing.kill()
            crashing.stop(atOperation: nil)
            let names = try crashing.list(LogFixture.directory).map(\.name)
            guard let swap = names.first(where: { $0.hasSuffix(".log.swap") }),
                !names.contains(String(swap.dropLast(".swap".count)))
            else { continue }
            swaps += 1
            // Of a segment that is gone, before all that are there.
            let path = LogFixture.directory + "/" + String(repeating: "0", count: 20) + ".log.cleaned"
            if names.contains("00000000000000000000.log") { continue }
            _ = try crashing.open(path, .createNew)
            var survivor = try reopened(crashing, recoveryPoint: end)
            #expect(try survivor.table() == model, "stopped at \(stop)")
        }
        #expect(swaps > 3)
    }

    private func reopened(_ disk: SimDisk, recoveryPoint: Offset) throws -> LogFixture {
        disk.kill()
        var fixture = try LogFixture.compacted(SimDisk())
        fixture.disk = disk
        try fixture.reopen(recoveryPoint: recoveryPoint)
        return fixture
    }
}
