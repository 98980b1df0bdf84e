import BrokerServer
import Dispatch
import Glibc
import LiveWorld
import Logging
import Primitives
import Synchronization
import Transport
import WireMessages
import WireProtocol
import World

/// A single-node cluster in this process, whole, with real files and sockets.
final class WholeNode {
    let port: Int
    /// Of the listener that only brokers use, where the node was given one; else that of clients.
    let internalPort: Int
    let controllerPort: Int
    let directory: String
    private let keepsFiles: Bool
    private let transport: LiveTransport
    private let pool: ThreadPool
    private let node: Node

    /// Starts a node and returns when it serves.
    ///
    /// - Parameter directory: one that an earlier node has left, kept again; a new one that goes with the node if nil.
    /// - Parameter settings: further lines of the configuration.
    init(
        directory given: String? = nil, hasInternalListener: Bool = false, settings further: [String] = [],
        logger: Logger = .silent
    ) throws {
        directory = try given ?? WholeNode.freshDirectory()
        keepsFiles = given != nil
        port = WholeNode.freePort()
        controllerPort = WholeNode.freePort()
        internalPort = hasInternalListener ? WholeNode.freePort() : port
        let brokers = hasInternalListener ? "INTERNAL://127.0.0.1:\(internalPort)," : ""
        let lines = hasInternalListener ? further + WholeNode.internalListener : further
        let properties = PropertiesFile(
            parsing: """
                process.roles=broker,controller
                node.id=1
                listeners=PLAINTEXT://127.0.0.1:\(port),\(brokers)CONTROLLER://127.0.0.1:\(controllerPort)
                controller.listener.names=CONTROLLER
                log.dirs=\(directory)
                offsets.topic.replication.factor=1
                \(lines.joined(separator: "\n"))
                """)
        transport = LiveTransport(loopCount: 2)
        pool = ThreadPool(threadCount: 4)
        let world = World(
            clock: SystemClock(), randomness: SystemRandomness(), files: PosixFileStore(), network: transport.network,
            loops: transport.loops, controlLoop: transport.controlLoop, pool: pool)
        node = Node(configuration: try NodeConfiguration(Settings(properties)), world: world, logger: logger)
        let started = DispatchSemaphore(value: 0)
        let failure = Mutex<NodeFailure?>(nil)
        node.start(
            fatal: { reason in
                failure.withLock { $0 = reason }
                started.signal()
            }, ready: { started.signal() })
        started.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// Where metrics are served, if `admin.listener` is among the settings.
    var adminPort: Int { node.adminPort ?? 0 }

    private static let internalListener = [
        "inter.broker.listener.name=INTERNAL",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    ]

    /// What clients make the node hold, and how often its limits were met.
    var limits: ClientLimits {
        guard let limits = node.clientLimits else { preconditionFailure("the node has started") }
        return limits
    }

    func stop() throws {
        let stopped = DispatchSemaphore(value: 0)
        node.stop { stopped.signal() }
        stopped.wait()
        pool.stop()
        try transport.stop()
        if !keepsFiles { WholeNode.remove(directory) }
    }

    static func freshDirectory() throws -> String {
        var template = Array("/tmp/martlet-abuse-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        guard made else { throw NodeFailure("no directory for the test: \(errno)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ directory: String) { try? PosixFileStore().removeTree(directory) }

    /// A port that nobody has at the moment.
    private static func freePort() -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { _ = Glibc.close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(unsafe bind(descriptor, $0, size) == 0, "no free port")
                _ = unsafe getsockname(descriptor, $0, &size)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension Logger {
    /// Says nothing: what is refused is the test's business.
    static let silent = Logger(label: "abuse") { _ in SwiftLogNoOpLogHandler() }
}
