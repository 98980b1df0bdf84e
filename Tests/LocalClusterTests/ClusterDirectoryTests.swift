import Glibc
import LiveWorld
import LocalCluster
import Testing
import World

@Suite("Directory of a local cluster")
struct ClusterDirectoryTests {
    private let files = PosixFileStore()

    /// An empty directory; whoever takes it removes it.
    private func fresh() throws -> ClusterDirectory {
        var template = Array("/tmp/martlet-directory-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ClusterDirectory(path: path, files: files)
    }

    private func write(
        _ directory: ClusterDirectory, _ overrides: [String] = []
    ) throws -> ClusterDirectory.Configuring {
        try directory.writeConfiguration(
            of: 1, ClusterPlan(clusterID: "abc", nodeCount: 3, basePort: 9_092, overrides: overrides))
    }

    private func properties(_ directory: ClusterDirectory) throws -> String {
        String(decoding: try files.readAll(directory.configurationPath(1)), as: UTF8.self)
    }

    @Test("A file that nobody edited follows the plan")
    func untouched() throws {
        let directory = try fresh()
        defer { try? files.removeTree(directory.path) }
        #expect(try write(directory) == .written)
        #expect(try write(directory, ["num.partitions=7"]) == .written)
        #expect(try properties(directory).contains("num.partitions=7\n"))
    }

    @Test("An edited file stays as it is until it is removed or says what the plan says")
    func edited() throws {
        let directory = try fresh()
        defer { try? files.removeTree(directory.path) }
        _ = try write(directory)
        let edit = try properties(directory) + "broker.rack=a\n"
        try files.replace(directory.configurationPath(1), with: Array(edit.utf8))
        for overrides: [String] in [[], ["num.partitions=7"]] {
            #expect(try write(directory, overrides) == .keptAsEdited)
            #expect(try properties(directory) == edit)
        }
        #expect(try write(directory, ["broker.rack=a"]) == .written)
        try files.replace(directory.configurationPath(1), with: Array((edit + "log.dirs=/x\n").utf8))
        try files.remove(directory.configurationPath(1))
        #expect(try write(directory) == .written)
        #expect(try !properties(directory).contains("broker.rack"))
    }

    @Test("Where no copy tells what was written, a file that is not the plan's counts as edited")
    func foreign() throws {
        let directory = try fresh()
        defer { try? files.removeTree(directory.path) }
        try files.createDirectory(directory.dataDirectory(1))
        try files.replace(directory.configurationPath(1), with: Array("node.id=1\n".utf8))
        #expect(try write(directory) == .keptAsEdited)
        #expect(try properties(directory) == "node.id=1\n")
    }
}
