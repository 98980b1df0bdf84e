import Dispatch
import Logging
import Testing

@testable import BrokerServer

@Suite("Writers of checkpoints") struct CheckpointWritersTests {
    @Test("Many writers at once do not take each other's files away: no directory goes offline")
    func manyAtOnce() throws {
        let broker = try PartitionsUnderTest()
        let upkeep = PartitionUpkeep(
            table: broker.table, world: broker.world, settings: try Settings(PropertiesFile(parsing: "")),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        DispatchQueue.concurrentPerform(iterations: 64) { _ in upkeep.saveCleanerCheckpoint() }
        #expect(broker.table.directories.all.map(\.offlineReason) == [nil])
    }
}
