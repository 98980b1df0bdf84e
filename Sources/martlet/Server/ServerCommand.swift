import ArgumentParser
import BrokerServer
import Glibc
import LiveWorld
import Logging
import Transport
import World

/// `martlet server`: one node in this process, until a signal ends it.
struct ServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Run a node: broker, controller or both.",
        discussion: """
            Without a file a single node starts on port 9092 with its data in ./martlet-data. SIGTERM hands leadership \
            over, then stops; a second one stops at once.
            """)

    @Argument(help: "The node's server.properties.")
    var file: String?

    @Option(name: .customLong("override"), help: "key=value; goes before the file.")
    var overrides: [String] = []

    func run() throws {
        let files = PosixFileStore()
        let configuration: NodeConfiguration
        let levels: LogLevels
        do {
            let properties = try ServerProperties.load(file: file, overrides: overrides, files: files)
            configuration = try NodeConfiguration(Settings(properties))
            levels = try LogLevels(configuration.settings)
        } catch {
            Self.complain("\(error)")
            throw ExitCode(1)
        }
        Self.serve(configuration, levels: levels, files: files)
    }

    /// Runs the node until a signal ends the process.
    ///
    /// - Parameter advice: What is said once in the log before the node starts.
    static func serve(
        _ configuration: NodeConfiguration, levels: LogLevels, files: PosixFileStore, advice: [String] = []
    ) -> Never {
        Signals.block()
        let world = world(configuration.settings, files)
        let logs = logs(configuration.settings, levels, world)
        let logger = logs[part: .node]
        for name in levels.unknownNames {
            logger.warning("log.levels names a logger that is not here", metadata: ["logger": "\(name)"])
        }
        for sentence in advice { logger.warning("\(sentence)") }
        let node = Node(configuration: configuration, world: world, logs: logs, sources: [ProcessMetrics()])
        node.start { failure in
            // The process can't go on: whoever runs it restarts it.
            logger.critical("\(failure)")
            Self.complain("\(failure)")
            Glibc.exit(1)
        }
        let signal = Signals.wait()
        logger.info("Stopping on signal \(signal)")
        node.stop { Glibc.exit(signal == SIGTERM ? 143 : 130) }
        _ = Signals.wait()
        logger.warning("Stopping at once on a second signal")
        Glibc.exit(1)
    }

    static func world(_ settings: Settings, _ files: PosixFileStore) -> World {
        let options = SocketOptions(settings)
        let transport: LiveTransport =
            if let count = settings.optionalInteger("num.network.threads") {
                LiveTransport(loopCount: Int(count), options: options)
            } else {
                LiveTransport(options: options)
            }
        let pools = ThreadPools(threadCount: Int(settings.integer("num.io.threads")))
        return World(
            clock: SystemClock(), randomness: SystemRandomness(), files: files, network: transport.network,
            loops: transport.loops, controlLoop: transport.controlLoop, pool: pools.make(),
            makeDiskPool: { pools.make() }, resizePools: { pools.resize(to: $0) },
            startLoop: { transport.startLoop(place: $0) }, machineMemoryBytes: MachineMemory.bytes)
    }

    private static func logs(_ settings: Settings, _ levels: LogLevels, _ world: World) -> NodeLogs {
        let form: LogLine.Form = settings.string("log.format") == "json" ? .json : .text
        return NodeLogs(levels: levels, clock: world.clock, loop: world.controlLoop) { LogLines(name: $0, form: form) }
    }

    static func complain(_ text: String) {
        let line = Array("martlet server: \(text)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension SocketOptions {
    /// -1 leaves a size to the system.
    init(_ settings: Settings) {
        self.init()
        let size = { (key: String) -> Int? in
            let bytes = settings.integer(key)
            return bytes < 0 ? nil : Int(bytes)
        }
        sendBytes = size("socket.send.buffer.bytes")
        receiveBytes = size("socket.receive.buffer.bytes")
        ownReceiveBytes = size("replica.socket.receive.buffer.bytes")
        let timeout = settings.integer("socket.user.timeout.ms")
        ownUserTimeoutMilliseconds = timeout == 0 ? nil : Int(timeout)
        backlog = Int32(clamping: settings.integer("socket.listen.backlog.size"))
    }
}
