import Foundation
import LiveWorld
import Logging
import Primitives
import Testing
import World

@testable import BrokerServer

@Suite("Directories of a start") struct FormattedDirectoriesTests {
    private let scratch = NSTemporaryDirectory() + "/martlet-directories-\(UUID().uuidString)"

    private func prepare(_ names: [String]) throws -> (FormattedDirectories, FoundDirectories) {
        let loop = ManualLoop()
        let world = World(
            clock: loop, randomness: CountingRandomness(), files: PosixFileStore(), network: ScriptedNetwork(loop),
            loops: [loop], controlLoop: loop, pool: LoopPool(loop))
        let text = """
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@localhost:19092
            listeners=PLAINTEXT://:9092,CONTROLLER://:19092
            log.dirs=\(names.map { "\(scratch)/\($0)" }.joined(separator: ","))
            """
        let configuration = try NodeConfiguration(Settings(PropertiesFile(parsing: text)))
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let formatted = try FormattedDirectories.prepare(configuration, world, log)
        return (formatted, try FoundDirectories(formatted, paths: configuration.logDirectories, files: world.files))
    }

    /// A file where a directory should be: nothing can be made in it.
    private func breakDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        try "not a directory".write(toFile: "\(scratch)/\(name)", atomically: true, encoding: .utf8)
    }

    @Test("One broken directory is left out, and the start counts as unclean")
    func oneBroken() throws {
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try breakDirectory("b")
        let (formatted, found) = try prepare(["a", "b", "c"])
        #expect(formatted.entries.map(\.path) == ["\(scratch)/a", "\(scratch)/c"])
        #expect(found.failed.map(\.path) == ["\(scratch)/b"])
        #expect(found.directories.count == 2)
        #expect(found.cleanlyEndedEpoch == nil)
        formatted.release()
    }

    @Test("The metadata log's directory can't be done without, nor the only one")
    func needed() throws {
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try breakDirectory("b")
        #expect(throws: NodeFailure.self) { try prepare(["b", "a"]) }
        #expect(throws: NodeFailure.self) { try prepare(["b"]) }
        let (formatted, _) = try prepare(["a"])
        formatted.release()
    }

    @Test("A directory that another process holds is refused, though there are others")
    func held() throws {
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let (formatted, _) = try prepare(["a", "b"])
        #expect(throws: NodeFailure.self) { try prepare(["c", "b"]) }
        formatted.release()
    }
}
