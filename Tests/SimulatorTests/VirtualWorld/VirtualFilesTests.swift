import Primitives
import Testing
import World

@testable import Simulator

@Suite struct VirtualFilesTests {
    private func content(_ files: VirtualFiles, _ path: String) throws -> String {
        String(decoding: try files.readAll(path), as: UTF8.self)
    }

    @Test("what was synchronised survives a loss of power, the rest may be lost or torn but never invented")
    func losePower() throws {
        var outcomes: Set<String> = []
        for seed in 0..<200 as Range<UInt64> {
            let files = VirtualFiles(time: VirtualTime(seed: seed))
            try files.createDirectory("/d")
            let file = try files.open("/d/f", .createNew)
            try file.write([Bytes(utf8: "kept")], at: 0)
            try file.synchronize()
            try files.synchronizeDirectory("/d")
            try file.write([Bytes(utf8: "AB")], at: 4)
            try file.write([Bytes(utf8: "CD")], at: 6)
            files.losePower()
            outcomes.insert(try content(files, "/d/f"))
        }
        #expect(outcomes.allSatisfy { $0.hasPrefix("kept") && $0.utf8.count <= 8 })
        #expect(outcomes.isSuperset(of: ["kept", "keptAB", "keptABCD", "kept\0\0CD", "keptABC"]))
    }

    @Test("names that their directory did not synchronise may be gone or be the old ones after a loss of power")
    func loseNames() throws {
        var outcomes: Set<[String]> = []
        for seed in 0..<100 as Range<UInt64> {
            let files = VirtualFiles(time: VirtualTime(seed: seed))
            try files.createDirectory("d")
            _ = try files.open("d/a", .createNew)
            try files.synchronizeDirectory("")
            try files.synchronizeDirectory("d")
            _ = try files.open("d/b", .createNew)
            try files.rename("d/a", to: "d/c")
            files.losePower()
            outcomes.insert(try files.list("d").map(\.name))
        }
        #expect(outcomes == [["a"], ["a", "b"], ["b", "c"]])
    }

    @Test("a cut that was not synchronised may come back, whole")
    func loseCut() throws {
        var outcomes: Set<String> = []
        for seed in 0..<100 as Range<UInt64> {
            let files = VirtualFiles(time: VirtualTime(seed: seed))
            let file = try files.open("f", .createNew)
            try file.write([Bytes(utf8: "abcd")], at: 0)
            try file.synchronize()
            try files.synchronizeDirectory("")
            try file.truncate(to: 2)
            try file.write([Bytes(utf8: "XY")], at: 2)
            files.losePower()
            outcomes.insert(try content(files, "f"))
        }
        #expect(outcomes == ["abcd", "ab", "abXY"])
    }

    @Test("the end of a process loses nothing and frees its locks")
    func endProcess() throws {
        let files = VirtualFiles(time: VirtualTime(seed: 1))
        try files.createDirectory("d")
        try files.replace("d/f", with: Array("x".utf8))
        _ = try files.lock("d")
        #expect(throws: FileError.self) { try files.lock("d") }
        files.endProcess()
        _ = try files.lock("d")
        #expect(try content(files, "d/f") == "x")
        #expect(try files.list("d") == [DirectoryEntry(name: "f", isDirectory: false)])
    }

    @Test("renaming a directory takes its content along")
    func rename() throws {
        let files = VirtualFiles(time: VirtualTime(seed: 1))
        try files.createDirectory("a/b")
        try files.replace("a/b/f", with: [1, 2])
        try files.rename("a/b", to: "a/c")
        #expect(try files.readAll("a/c/f") == [1, 2])
        #expect(!files.exists("a/b"))
        try files.removeTree("a")
        #expect(!files.exists("a/c/f"))
    }

    @Test("a failing disk fails each synchronisation")
    func failSynchronize() throws {
        let files = VirtualFiles(time: VirtualTime(seed: 1))
        let file = try files.open("f", .createNew)
        files.failSynchronize(true)
        #expect(throws: FileError.self) { try file.synchronize() }
    }
}
