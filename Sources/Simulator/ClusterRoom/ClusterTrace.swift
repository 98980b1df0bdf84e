import Logging
import Primitives
import Synchronization

/// What happened in a run, a readable line for each change of state.
package final class ClusterTrace: Sendable {
    package let isKept: Bool
    private let time: VirtualTime
    private let kept = Mutex<[String]>([])

    init(time: VirtualTime, isKept: Bool) {
        self.time = time
        self.isKept = isKept
    }

    package var lines: [String] { kept.withLock { $0 } }

    /// Adds a line about a node; 0 is the world.
    func add(_ node: Int, _ text: @autoclosure () -> String) {
        guard isKept else { return }
        let micros = time.now.value / 1_000
        let fraction = String(micros % 1_000_000 + 1_000_000).dropFirst()
        let line = "\(micros / 1_000_000).\(fraction) \(node == 0 ? "world" : "node \(node)"): \(text())"
        kept.withLock { $0.append(line) }
    }

    /// A logger whose lines become lines of the trace.
    func logger(of node: Int) -> Logger {
        Logger(label: "node-\(node)") { [self] _ in TraceLogHandler(node: node, trace: self) }
    }
}

/// Takes what a node logs into the trace.
private struct TraceLogHandler: LogHandler {
    let node: Int
    let trace: ClusterTrace
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    init(node: Int, trace: ClusterTrace) {
        self.node = node
        self.trace = trace
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        trace.add(
            node,
            (event.level >= .warning ? "\(event.level): " : "") + "\(event.message)"
                + (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined())
    }
}
