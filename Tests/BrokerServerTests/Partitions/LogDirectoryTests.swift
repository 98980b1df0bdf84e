import Foundation
import LiveWorld
import LogStorage
import Primitives
import Testing
import WireMessages
import WireProtocol
import World

@testable import BrokerServer

@Suite("Several log directories") struct LogDirectoryTests {
    private func found(_ paths: [String]) -> [DataDirectories.Found] {
        paths.enumerated().map { number, path in
            DataDirectories.Found(
                path: path, id: UUID128(high: 2, low: 1_000 + UInt64(number)), wasCleanShutdown: true,
                recoveryPoints: nil, highWatermarks: nil, logStarts: nil, partitions: [])
        }
    }

    private func claim(
        _ directories: DataDirectories, _ index: Int32, assigned: DirectoryID? = nil, isNew: Bool = true
    ) -> String? {
        var wanted = DataDirectories.Wanted(topic: "t", id: UUID128(high: 5, low: 5), index: PartitionIndex(index))
        (wanted.assigned, wanted.isNew) = (assigned, isNew)
        guard case .place(let place) = directories.claim(wanted, isSettled: true) else { return nil }
        return place.directory
    }

    @Test("A new replica goes where the fewest are, or where the controller says")
    func placement() {
        let directories = DataDirectories(found(["/a", "/b", "/c"]))
        #expect((0..<6).map { claim(directories, $0) } == ["/a", "/b", "/c", "/a", "/b", "/c"])
        #expect(claim(directories, 6, assigned: UUID128(high: 2, low: 1_001)) == "/b")
        directories.release("/c")
        #expect(claim(directories, 7) == "/c")
    }

    @Test("A failed directory gets no replica, and one that may lie in it is not made anew elsewhere")
    func offline() {
        let directories = DataDirectories(found(["/a", "/b"]))
        #expect(directories.takeOffline("/a", reason: "broken"))
        #expect(!directories.takeOffline("/a", reason: "again"))
        #expect(claim(directories, 0) == "/b")
        #expect(claim(directories, 1, isNew: false) == nil)
        #expect(claim(directories, 2, assigned: UUID128(high: 2, low: 1_000), isNew: false) == nil)
        #expect(claim(directories, 3, assigned: UUID128(high: 2, low: 1_001), isNew: false) == "/b")
        #expect(directories.all.map(\.offlineReason) == ["broken", nil])
        #expect(directories.online.map(\.path) == ["/b"])
    }

    @Test("A directory that failed before the start may hold any replica that is not new")
    func failedAtStart() {
        let directories = DataDirectories(
            found(["/a"]), failed: [DataDirectories.Failed(path: "/b", reason: "no such disk")])
        #expect(claim(directories, 0, isNew: false) == nil)
        #expect(claim(directories, 0) == "/a")
        #expect(directories.all.map(\.path) == ["/a", "/b"])
        _ = directories.takeOffline("/a", reason: "full")
        #expect(claim(directories, 1) == nil)
    }

    private func describe(
        _ broker: PartitionsUnderTest, version: Int16 = 5, only partition: Int32? = nil
    ) throws -> DescribeLogDirsResponse {
        try broker.call(DescribeLogDirsHandler(table: broker.table, world: broker.world), version: version) { request in
            guard let partition else { return request.topics = nil }
            var topic = DescribeLogDirsRequest.DescribableLogDirTopic()
            topic.topic = "t"
            topic.partitions = [PartitionIndex(partition)]
            request.topics = [topic]
        }.required()
    }

    @Test("DescribeLogDirs names each directory, its replicas with their sizes, and its disk", arguments: 1...5)
    func describes(version: Int) throws {
        let broker = try PartitionsUnderTest(replicas: [1], logDirectories: 2, partitions: 4)
        _ = try broker.produce(PartitionsUnderTest.batch(3))
        let all = try describe(broker, version: Int16(version))
        #expect(all.errorCode == .noError)
        #expect(all.results.map(\.logDir) == [broker.directory, broker.directory + "-1"])
        let held = all.results.map { $0.topics.flatMap(\.partitions).map(\.partitionIndex.value) }
        #expect(held == [[0, 2], [1, 3]])
        let size = try #require(all.results[0].topics.first?.partitions.first?.partitionSize)
        #expect(size == Int64(PartitionsUnderTest.batch(3).count))
        if version >= 4 {
            #expect(all.results.allSatisfy { $0.totalBytes > 0 && $0.usableBytes <= $0.totalBytes })
        }
        let one = try describe(broker, version: Int16(version), only: 3)
        #expect(one.results[0].topics.isEmpty)
        #expect(one.results[1].topics[0].partitions.map(\.partitionIndex) == [PartitionIndex(3)])
    }

    @Test("A flush that fails takes only its own directory offline: the replicas of the other go on")
    func failure() throws {
        let broker = try PartitionsUnderTest(replicas: [1], logDirectories: 2, partitions: 2)
        broker.files.failFlushes(below: broker.directory + "-1")
        func produce(_ partition: Int32) throws -> ErrorCode? {
            try broker.produce(PartitionsUnderTest.batch(), partition: partition).required()
                .responses.first?.partitionResponses.first?.errorCode
        }
        #expect(try produce(0) == .noError)
        #expect(try produce(1) == .kafkaStorageError)
        #expect(try produce(1) == .kafkaStorageError)
        #expect(try produce(0) == .noError)
        let described = try describe(broker)
        #expect(described.results.map(\.errorCode) == [.noError, .kafkaStorageError])
        #expect(described.results[1].topics.isEmpty)
        #expect(broker.table.directories.offlineIDs == [UUID128(high: 1, low: 1_001)])
    }
}
