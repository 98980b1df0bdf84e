import Foundation
import LiveWorld
import LogStorage
import Logging
import Primitives
import Quorum
import Testing
import World

@testable import BrokerServer

/// What may have happened to a file while the node was down.
enum FileDamage: CaseIterable {
    case flipped
    case cut
    case emptied
    case foreign
    case unreadableText

    func apply(to content: [UInt8]) -> [UInt8] {
        var damaged = content
        switch self {
        case .flipped: damaged[content.count / 2] ^= 0x15
        case .cut: damaged.removeLast((content.count + 1) / 2)
        case .emptied: damaged = []
        case .foreign: damaged = Array("MZ\u{90}\0a program of another system".utf8)
        case .unreadableText: damaged = [0xFF, 0xFE, 0x00, 0x0A, 0xC3, 0x28]
        }
        return damaged
    }
}

@Suite("Damaged files in the data directory")
struct DamagedFilesTests {
    private let scratch = NSTemporaryDirectory() + "/martlet-damaged-\(UUID().uuidString)"
    private let files = PosixFileStore()

    init() throws { try files.createDirectory(scratch) }

    private func put(_ name: String, _ content: [UInt8]) throws {
        let path = "\(scratch)/\(name)"
        try files.createDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        try files.replace(path, with: content)
    }

    /// All files below the scratch directory, with their contents.
    private func everything() throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        var left = [scratch]
        while let directory = left.popLast() {
            for entry in try files.list(directory) {
                let path = directory + "/" + entry.name
                if entry.isDirectory { left.append(path) } else { found[path] = (try? files.readAll(path)) ?? [] }
            }
        }
        return found
    }

    private func remove() { try? FileManager.default.removeItem(atPath: scratch) }

    private func look() throws -> (found: DataDirectories.Found, cleanShutdown: CleanShutdownFile.Found) {
        try DataDirectories.look(into: scratch, id: UUID128(high: 1, low: 2), files: files)
    }

    @Test(
        "A damaged checkpoint is told with file, line and what is done without it, and stays",
        arguments: FileDamage.allCases)
    func checkpoints(_ damage: FileDamage) throws {
        defer { remove() }
        for kind in OffsetCheckpoint.Kind.allCases {
            let whole = OffsetCheckpoint(
                entries: (0..<9).map { .init(topic: "t", partition: PartitionIndex($0), offset: Offset(7)) })
            let damaged = damage.apply(to: whole.encoded)
            try put(kind.rawValue, damaged)
            let found = try look().found
            let told = found.damages.first { $0.contains("\(scratch)/\(kind.rawValue): line ") }
            // One flipped bit can leave a file that says something else.
            if damage != .flipped || OffsetCheckpoint(encoded: damaged) == nil { #expect(told?.contains("; ") == true) }
            #expect(try files.readAll("\(scratch)/\(kind.rawValue)") == damaged)
        }
    }

    @Test("A damaged clean-shutdown file is told, and counts as a crash", arguments: FileDamage.allCases)
    func cleanShutdown(_ damage: FileDamage) throws {
        defer { remove() }
        try CleanShutdownFile.write(BrokerEpoch(77), in: scratch, files)
        let path = scratch + "/" + CleanShutdownFile.fileName
        try put(CleanShutdownFile.fileName, damage.apply(to: files.readAll(path)))
        let (found, shutdown) = try look()
        // Kafka before 3.7 leaves an empty one.
        if damage == .emptied { return #expect(shutdown == .clean(nil)) }
        #expect(!found.wasCleanShutdown)
        #expect(found.damages.contains { $0.hasPrefix(path + ": ") })
    }

    private func claimed(_ index: Int32, _ topic: TopicID, _ directories: DataDirectories) -> DataDirectories.Place? {
        var wanted = DataDirectories.Wanted(topic: "t", id: topic, index: PartitionIndex(index))
        wanted.isNew = false
        guard case .place(let place) = directories.claim(wanted, isSettled: true) else { return nil }
        return place
    }

    @Test(
        "A replica whose partition.metadata can't be read is no stray: it is in doubt", arguments: FileDamage.allCases)
    func partitionMetadata(_ damage: FileDamage) throws {
        defer { remove() }
        let topic = TopicID(high: 5, low: 6)
        try files.createDirectory(scratch + "/t-0")
        try PartitionMetadataFile.write(topic, in: scratch + "/t-0", files)
        let path = "t-0/\(PartitionMetadataFile.fileName)"
        try put("t-0/00000000000000000000.log", [1, 2, 3])
        let damaged = damage.apply(to: try files.readAll("\(scratch)/\(path)"))
        try put(path, damaged)
        let before = try everything()
        let directories = DataDirectories([try look().found])
        let place = claimed(0, topic, directories)
        if damage != .flipped { #expect(place?.doubt?.contains("\(scratch)/\(path)") == true) }
        #expect(directories.takeUnclaimed().isEmpty || damage == .flipped)
        #expect(try everything() == before)
    }

    @Test("Records without a partition.metadata are in doubt; an empty directory is not")
    func noPartitionMetadata() throws {
        defer { remove() }
        let topic = TopicID(high: 5, low: 6)
        for name in ["t-0", "t-1"] { try files.createDirectory("\(scratch)/\(name)") }
        try put("t-0/00000000000000000000.log", [1, 2, 3])
        try put("t-1/00000000000000000000.log", [])
        let directories = DataDirectories([try look().found])
        let doubts = (Int32(0)..<2).map {
            claimed($0, topic, directories)?.doubt
        }
        #expect(doubts == ["\(scratch)/t-0/partition.metadata is missing", nil])
    }

    @Test("Odd names and foreign files and directories are left alone")
    func foreign() throws {
        defer { remove() }
        for name in ["lost+found", "t", "-0", "t-", "t-01", "t-99999999999", "..-0", "a b-0", "é-0"] {
            try files.createDirectory("\(scratch)/\(name)")
            try put("\(name)/00000000000000000000.log", [1])
        }
        for name in ["t-7", "core", "notes.tmp", "x.deleted"] { try put(name, [1]) }
        try FileManager.default.createSymbolicLink(atPath: scratch + "/u-0", withDestinationPath: scratch + "/t-")
        try FileManager.default.createSymbolicLink(atPath: scratch + "/v-0", withDestinationPath: "/nowhere")
        let before = try everything()
        #expect(try look().found.partitions.map(\.name.description) == ["u-0"])
        #expect(try everything() == before)
    }

    @Test("In a log's directory only what the log itself left unfinished is removed")
    func foreignInLog() throws {
        defer { remove() }
        let foreign = [
            "notes.tmp", "core.deleted", "x.swap", "1.log.cleaned", "00000000000000000000.log.bak", "7.log",
            "0000000000000000000x.log",
        ]
        for name in foreign { try put("t-0/" + name, [1, 2]) }
        for name in ["00000000000000000009.log.deleted", "leader-epoch-checkpoint.tmp"] { try put("t-0/" + name, [1]) }
        var (log, _) = try PartitionLog.open(
            directory: scratch + "/t-0", files: files, configuration: LogConfiguration(), start: .clean,
            now: Timestamp(0))
        defer { log.abandon() }
        let names = try files.list(scratch + "/t-0").map(\.name)
        #expect(foreign.allSatisfy(names.contains))
        #expect(!names.contains("00000000000000000009.log.deleted") && !names.contains("leader-epoch-checkpoint.tmp"))
    }

    @Test("A damaged meta.properties is told with its file and what to do", arguments: FileDamage.allCases)
    func metaProperties(_ damage: FileDamage) throws {
        defer { remove() }
        try files.createDirectory(scratch + "/a")
        try put("a/meta.properties", damage.apply(to: Array("version=x\nnode.id=1\n".utf8)))
        let before = try everything()["\(scratch)/a/meta.properties"]
        let loop = ManualLoop()
        let world = World(
            clock: loop, randomness: CountingRandomness(), files: files, network: ScriptedNetwork(loop), loops: [loop],
            controlLoop: loop, pool: LoopPool(loop))
        let text = """
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@localhost:19092
            listeners=PLAINTEXT://:9092,CONTROLLER://:19092
            log.dirs=\(scratch)/a
            """
        let configuration = try NodeConfiguration(Settings(PropertiesFile(parsing: text)))
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let failure = #expect(throws: NodeFailure.self) {
            try FormattedDirectories.prepare(configuration, world, log)
        }
        #expect(failure?.description.contains("\(scratch)/a/meta.properties: ") == true)
        #expect(failure?.description.contains("restore the file") == true)
        #expect(try everything()["\(scratch)/a/meta.properties"] == before)
    }

    // MARK: The metadata log

    private func openMetadata() throws -> MetadataStore {
        try MetadataStore(parent: scratch, segmentBytes: 1 << 20, files: files, clock: ManualLoop())
    }

    @Test("A vote that can't be read is never forgotten", arguments: FileDamage.allCases)
    func vote(_ damage: FileDamage) throws {
        defer { remove() }
        let directory = MetadataStore.directoryName
        let whole =
            #"{"clusterId":"","leaderId":2,"leaderEpoch":5,"votedId":2,"appliedOffset":0,"# + #""data_version":0}"#
        try put("\(directory)/quorum-state", damage.apply(to: Array(whole.utf8)))
        let before = try everything()
        do {
            let store = try openMetadata()
            #expect(damage == .flipped)
            #expect(store.election.votedFor?.id == BrokerID(2))
        } catch {
            #expect("\(error)".contains("\(scratch)/\(directory)/quorum-state is damaged"))
            #expect("\(error)".contains("restore the file"))
        }
        let after = try everything()
        #expect(before.allSatisfy { after[$0.key] == $0.value })
    }

    @Test(
        "A vote file that lacks one of its numbers is damaged",
        arguments: ["leaderId", "leaderEpoch", "votedId", "data_version"])
    func voteWithout(_ key: String) throws {
        defer { remove() }
        let whole =
            #"{"leaderId":2,"leaderEpoch":5,"votedId":2,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#
        try put("\(MetadataStore.directoryName)/quorum-state", Array(whole.utf8))
        _ = try openMetadata()
        try put("\(MetadataStore.directoryName)/quorum-state", Array(whole.replacing(key, with: "x" + key).utf8))
        #expect(throws: MetadataLogFailure.self) { try openMetadata() }
        try put("\(MetadataStore.directoryName)/quorum-state", Array(whole.replacing("2,", with: "-7,").utf8))
        #expect(throws: MetadataLogFailure.self) { try openMetadata() }
    }

    @Test(
        "A damaged standing, recovery point or snapshot of the metadata log is told by its file",
        arguments: FileDamage.allCases)
    func besideTheVote(_ damage: FileDamage) throws {
        defer { remove() }
        let directory = MetadataStore.directoryName
        try put("\(directory)/voter-standing", damage.apply(to: Array("proven\n".utf8)))
        let failure = #expect(throws: MetadataLogFailure.self) { try openMetadata() }
        #expect(failure?.description.contains("\(scratch)/\(directory)/voter-standing is damaged") == true)
        try put("\(directory)/voter-standing", Array("proven\n".utf8))
        let point = OffsetCheckpoint(entries: [
            .init(topic: "__cluster_metadata", partition: PartitionIndex(0), offset: .zero)
        ])
        let damaged = damage.apply(to: point.encoded)
        try put("\(directory)/\(OffsetCheckpoint.Kind.recoveryPoint.rawValue)", damaged)
        let damages = try openMetadata().damages
        if damage != .flipped { #expect(damages.contains { $0.contains("recovery-point-offset-checkpoint: line ") }) }
        let name = "00000000000000000007-0000000001.checkpoint"
        try put("\(directory)/\(name)", damage.apply(to: Array(repeating: 3, count: 200)))
        let broken = #expect(throws: MetadataLogFailure.self) { try openMetadata() }
        #expect(broken?.description.contains("\(scratch)/\(directory)/\(name)") == true)
        #expect(files.exists("\(scratch)/\(directory)/\(name)"))
        #expect(files.exists("\(scratch)/\(directory)/00000000000000000000.log"))
    }
}
