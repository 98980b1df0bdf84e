package import ArgumentParser
import LiveWorld
import LogStorage
import Primitives
import World

/// `martlet dump-log`, `kafka-dump-log`: prints what the files of a log hold; no cluster is asked.
package struct DumpLogCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "dump-log", abstract: "Print the contents of log, index and snapshot files.")

    package static var table: OptionTable { DumpLogOptions.table }

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        let files = try given.needed(DumpLogOptions.files)
        let options = try DumpLogOptions(given)
        var findings = DumpFindings()
        for path in files.split(separator: ",").map(String.init) {
            print("Dumping \(path)")
            do throws(FileError) { try dump(path, options, &findings) } catch { throw ToolFailure("\(error)") }
        }
        for line in findings.lines { Console.complain(line) }
    }

    private func dump(_ path: String, _ options: DumpLogOptions, _ findings: inout DumpFindings) throws(FileError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if name.hasSuffix(".log") || name.hasSuffix(".checkpoint") {
            if let line = DumpLogCommand.secondLine(name) { print(line) }
            try LogDump(path: path, name: name, options: options).run(&findings)
        } else if name.hasSuffix(".index") {
            try IndexDump(path: path, name: name, options: options).dumpOffsets(&findings)
        } else if name.hasSuffix(".timeindex") {
            try IndexDump(path: path, name: name, options: options).dumpTimes(&findings)
        } else if name.hasSuffix(".snapshot") {
            try dumpProducers(path)
        } else if name.hasSuffix(".txnindex") {
            for line in TransactionIndexText.lines(Bytes(try PosixFileStore().readAll(path))) { print(line) }
        } else {
            Console.complain("Ignoring unknown file \(path)")
        }
    }

    /// What the name alone says.
    package static func secondLine(_ name: String) -> String? {
        if name == "bootstrap.checkpoint" { return "KRaft bootstrap snapshot" }
        if let snapshot = SnapshotFileName(name) {
            return "Snapshot end offset: \(snapshot.endOffset), epoch: \(snapshot.epoch)"
        }
        return SegmentFileName.parse(name, .log).map { "Log starting offset: \($0)" }
    }

    private func dumpProducers(_ path: String) throws(FileError) {
        guard let states = ProducerSnapshot.decode(try PosixFileStore().readAll(path)) else {
            return Console.complain("Snapshot \(path) is corrupted: its checksum or length is wrong")
        }
        for line in ProducerText.lines(states) { print(line) }
    }
}
