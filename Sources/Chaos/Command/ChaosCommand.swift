package import ArgumentParser
import Glibc
import LiveWorld

/// `martlet chaos`: breaks a cluster of real processes on purpose, and judges what its clients saw.
package struct ChaosCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "chaos", abstract: "Break a cluster on this machine under load, and judge what clients saw.",
        discussion: """
            Each row has a fresh cluster of three nodes, which ends with it. Exit code 0 where no row failed; rows \
            that can't run here are told, and count as not run. docs/fault-injection.md has the table of rows.
            """)

    @Argument(help: "Names of rows, such as F1 F4; the short set if none is given.") var rows: [String] = []
    @Flag(help: "List all rows and end.") var list = false
    @Flag(help: "Run every row.") var all = false
    @Option(help: "How often the fault of a row is repeated.") var rounds = 1
    @Option(help: "How long a fault lasts; each row's own time if left out.") var seconds: Int64?
    @Option(name: .customLong("dir"), help: "Where clusters and histories are written.")
    var directory = "./martlet-chaos"
    @Option(name: .customLong("base-port"), help: "The client port of the first node.") var basePort = 19_092
    @Option(help: "What is drawn at random follows from it.") var seed: UInt64?
    @Option(help: "The built Tests/Shims/machine.c: rows with failing disks, lost power and jumping clocks need it.")
    var shim: String?
    @Option(help: "The martlet program of another release: the row of mixed releases needs it.") var other: String?
    @Flag(help: "Keep clusters and histories also of rows that passed.") var keep = false

    package init() {}

    package func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds \(rounds): expected a number above 0") }
        if let seconds, seconds <= 0 { throw ValidationError("--seconds \(seconds): expected a number above 0") }
        for name in rows where !ChaosRow.all.contains(where: { $0.id == name }) {
            throw ValidationError("there is no row \(name); see `martlet chaos --list`")
        }
    }

    package func run() async throws {
        if list { return printRows() }
        let names = all ? ChaosRow.all.map(\.id) : rows.isEmpty ? ChaosRow.short : rows
        let seed = seed ?? SystemRandomness().next() % 1_000_000
        var settings = RowRunner.Settings(
            directory: try ChaosCommand.absolute(directory), basePort: basePort, seed: seed)
        settings.rounds = rounds
        settings.faultMilliseconds = seconds.map { $0 * 1_000 }
        settings.keeps = keep
        settings.shimLibrary = try shim.map(ChaosCommand.absolute)
        settings.otherProgram = try other.map(ChaosCommand.absolute)
        print("seed \(seed)")
        var reports: [RowReport] = []
        for name in names {
            guard let row = ChaosRow.all.first(where: { $0.id == name }) else { continue }
            print("\(row.id)  \(row.fault)")
            fflush(nil)
            let report = await RowRunner(settings).run(row)
            for line in report.lines { print("  " + line) }
            print(report.summary)
            fflush(nil)
            reports.append(report)
        }
        let failed = reports.count { $0.isFailure }
        let notRun = reports.count { if case .notRun = $0.outcome { true } else { false } }
        print("\(reports.count - failed - notRun) passed, \(failed) failed, \(notRun) not run")
        if failed > 0 { throw ExitCode.failure }
    }

    private func printRows() {
        for row in ChaosRow.all {
            print("\(row.id)\t\(row.fault)\n\tpromise: \(row.promise)")
        }
    }

    /// Nodes keep the path over their whole life.
    private static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path }
        guard let here = ProcessEnvironment.workingDirectory else {
            throw ChaosError("the working directory is not known: give --dir with an absolute path")
        }
        return here + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
    }
}
