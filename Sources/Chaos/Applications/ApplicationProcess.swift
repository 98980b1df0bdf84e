import Glibc
import LocalCluster
import Primitives
import World

/// A running `martlet chaos-application`, and what it says.
struct ApplicationProcess {
    static let halfDone = "half done"
    static let ended = "ended"
    static let refused = "refused: "
    /// What a member commits before it is stopped, and what it tries afterwards.
    static let firstPosition = Offset(10)
    static let latePosition = Offset(99)
    private static let millisecondsMax: Int64 = 60_000

    private let stage: ChaosStage
    private let process: ProcessIdentity
    private let logPath: String
    private let filePath: String

    /// - Parameter arguments: all but where the cluster is and the file that it waits for.
    init(_ stage: ChaosStage, _ role: ApplicationCommand.Role, name: String, _ arguments: [String]) throws {
        self.stage = stage
        logPath = "\(stage.processes.directory.path)/\(name).log"
        filePath = "\(stage.processes.directory.path)/\(name).goes-on"
        process = try ProcessLauncher.launch(
            try ProcessLauncher.ownExecutable(),
            [
                "chaos-application", role.rawValue, "--bootstrap-server", stage.processes.plan.bootstrapServers,
                "--topic", stage.topic.name, "--name", name, "--until", filePath,
            ] + arguments,
            logPath: logPath)
    }

    /// Waits until its first half is done.
    func awaitHalf() async throws { _ = try await line { $0 == ApplicationProcess.halfDone } }

    func pause() { ProcessTable.signal(process, SIGSTOP) }

    /// Lets it go on, first with what it had in its hands.
    func goOn() async throws -> String {
        let descriptor = unsafe open(filePath, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ChaosError("\(filePath) can't be made") }
        close(descriptor)
        ProcessTable.signal(process, SIGCONT)
        return try await line { $0 == ApplicationProcess.ended || $0.hasPrefix(ApplicationProcess.refused) }
    }

    func end() { ProcessTable.signal(process, SIGKILL) }

    private func line(_ isWanted: (String) -> Bool) async throws -> String {
        let end = stage.clock.now.advanced(byMilliseconds: ApplicationProcess.millisecondsMax)
        while stage.clock.now < end {
            let text = ApplicationProcess.text(logPath)
            if let found = text.split(separator: "\n").map(String.init).first(where: isWanted) { return found }
            guard ProcessTable.activity(of: process) != .gone else {
                throw ChaosError("the application ended by itself: \(text)")
            }
            await stage.pass(20)
        }
        throw ChaosError("the application does not go on: \(ApplicationProcess.text(logPath))")
    }

    private static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: 65_536)
        let got = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return got > 0 ? String(decoding: piece[..<got], as: UTF8.self) : ""
    }
}
