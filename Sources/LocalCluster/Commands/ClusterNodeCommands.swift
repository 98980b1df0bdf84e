import ArgumentParser
import LiveWorld

/// `martlet cluster kill N`: ends a node without any warning, as a crash does.
struct ClusterKillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kill", abstract: "Kill a node (SIGKILL).")
    @OptionGroup var options: NodeOptions

    func run() async throws {
        try await options.cluster.processes().kill(options.node)
        print("Killed node \(options.node).")
    }
}

/// `martlet cluster pause N`: stops a node where it stands; its connections stay open.
struct ClusterPauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pause", abstract: "Pause a node (SIGSTOP).")
    @OptionGroup var options: NodeOptions

    func run() async throws {
        try options.cluster.processes().pause(options.node)
        print("Paused node \(options.node).")
    }
}

/// `martlet cluster resume N`: lets a paused node go on.
struct ClusterResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a paused node go on (SIGCONT).")
    @OptionGroup var options: NodeOptions

    func run() async throws {
        try options.cluster.processes().resume(options.node)
        print("Resumed node \(options.node).")
    }
}

/// `martlet cluster stop N`: ends a node in order: it hands its leaderships over first.
struct ClusterStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stop", abstract: "Stop a node in order (SIGTERM).")
    @OptionGroup var options: NodeOptions

    func run() async throws {
        let processes = try options.cluster.processes()
        try await processes.waitForStop(options.node, try processes.requestStop(options.node))
        print("Stopped node \(options.node).")
    }
}

/// `martlet cluster start N`: starts a node that was stopped or killed.
struct ClusterStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "start", abstract: "Start a node.")
    @OptionGroup var options: NodeOptions

    func run() async throws {
        let processes = try options.cluster.processes()
        let (process, configuring) = try processes.start(options.node)
        print("Started node \(options.node) (pid \(process.processID)).")
        if configuring == .keptAsEdited { print(processes.directory.remarkOnEdited(options.node)) }
    }
}

/// `martlet cluster down`: ends all nodes in order; their data stays.
struct ClusterDownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop all nodes in order; their data stays.")
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let processes = try options.processes()
        var stopping: [(node: Int, process: ProcessIdentity)] = []
        for node in processes.plan.nodes {
            switch try processes.state(of: node) {
            case .running, .paused: stopping.append((node, try processes.requestStop(node)))
            case .crashed, .stopped: break
            }
        }
        for (node, process) in stopping { try await processes.waitForStop(node, process) }
        print("Stopped \(stopping.count) node\(stopping.count == 1 ? "" : "s").")
    }
}

/// `martlet cluster destroy`: kills all nodes and removes the directory with all data.
struct ClusterDestroyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Kill all nodes and remove the directory with all data.")
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let processes = try options.processes()
        try await processes.killAll()
        try processes.directory.remove()
        print("Removed \(processes.directory.path).")
    }
}

/// `martlet cluster logs N`: the end of a node's log.
struct ClusterLogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "Print the end of a node's log.")
    @OptionGroup var options: NodeOptions
    @Option(name: .customLong("lines"), help: "How many lines.") var lines = 100

    func run() async throws {
        let processes = try options.cluster.processes()
        _ = try processes.state(of: options.node)
        print(processes.directory.logTail(options.node, lines: lines))
    }
}
