import Primitives
import Testing
import WireMessages
import WireProtocol
import World

@testable import Simulator

@Suite("Voters that come and go in a simulated cluster")
struct VoterChangeTests {
    @Test("are removed, added and replaced while other faults go on", arguments: [1, 2] as [UInt64])
    func comeAndGo(seed: UInt64) throws {
        var plan = ClusterPlan.calm
        plan.nodeCount = 4
        plan.faults = [.voterChange, .voterChange, .voterChange, .kill]
        plan.faultIntervalMilliseconds = 700
        plan.loadMilliseconds = 10_000
        let simulation = ClusterSimulation(seed: seed, plan: plan)
        try simulation.run()
        let reached = simulation.truth.reached
        for state in ["a voter removed", "a voter added", "metadata lost"] { #expect(reached[state] ?? 0 > 0) }
    }

    private static func name(_ number: Int) -> VoterName {
        VoterName(number: number, directory: DirectoryID(high: 7, low: UInt64(number)))
    }

    /// The log of a machine, with a record of voters in each batch.
    private static func log(_ sets: [[Int]]) throws -> DiskLog {
        let files = VirtualFiles(time: VirtualTime(seed: 1))
        try files.createDirectory("meta")
        let file = try files.open("meta/00000000000000000000.log", .createNew)
        var position: Int64 = 0
        for (place, set) in sets.enumerated() {
            var record = VotersRecord()
            record.voters = set.map { number in
                var voter = VotersRecord.Voter()
                voter.voterID = BrokerID(Int32(number))
                voter.voterDirectoryID = name(number).directory
                return voter
            }
            let batch = RecordBatchBuilder.control(
                .kraftVoters, value: record.encoded(version: 0), timestamp: Timestamp(0),
                baseOffset: Offset(Int64(place)), leaderEpoch: LeaderEpoch(1))
            try file.write([batch], at: position)
            position += Int64(batch.count)
        }
        var log = DiskLog(directory: "meta")
        _ = log.refresh(files)
        return log
    }

    @Test("are read from the bytes of a log, and those that are not committed are told apart")
    func areRead() throws {
        let log = try VoterChangeTests.log([[1, 2, 3], [1, 2], [1, 2, 4]])
        #expect(log.voters.newest == [1, 2, 4].map(VoterChangeTests.name))
        #expect(log.voters.former == [1, 2].map(VoterChangeTests.name))
        #expect(log.voters.uncommitted(from: Offset(1)).count == 2)
    }

    @Test("change one at a time: the judge sees two at once", arguments: [([1, 2], true), ([1, 2, 4], false)])
    func oneAtATime(second: [Int], isRight: Bool) throws {
        let founders = [1, 2, 3].map(VoterChangeTests.name)
        var voters = CommittedVoters(founders: founders, machines: 4)
        let log = try VoterChangeTests.log([[1, 2, 3], second])
        let reason = voters.extend(from: log, .zero, to: Offset(2), at: MonotonicInstant(0))
        #expect((reason == nil) == isRight, "\(reason ?? "")")
    }

    @Test("may be lost as long as a majority is left, whatever was asked for is made")
    func mayBeLost() {
        let names = [1, 2, 3].map(VoterChangeTests.name)
        var truth = MetadataLogTruth(founders: names, machines: 4)
        for name in names { truth.directories[name.number - 1] = name.directory }
        #expect(truth.mayLose(1, []))
        #expect(!truth.mayLose(1, [.remove(names[2])]))
        #expect(truth.mayLose(1, [.remove(names[0])]))
        truth.directories[1] = nil
        #expect(truth.lost == [names[1]])
        #expect(!truth.mayLose(1, []))
        #expect(!truth.survives([.remove(names[0])]))
        #expect(truth.survives([.remove(names[1])]))
    }
}
