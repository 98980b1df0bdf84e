package import Logging
package import World

/// The loggers of a node: one for each part, over one way out and one store of levels.
package struct NodeLogs: Sendable {
    package let levels: LogLevels
    private let repeats: RepeatedLines?
    private let makeHandler: @Sendable (_ name: String) -> any LogHandler

    /// - Parameter loop: where it is told how often a warning was repeated, once it stopped being written.
    /// - Parameter makeHandler: the way out for the logger of a name; levels are not its business.
    package init(
        levels: LogLevels, clock: any Clock, loop: any Loop,
        makeHandler: @escaping @Sendable (_ name: String) -> any LogHandler
    ) {
        self.levels = levels
        self.makeHandler = makeHandler
        repeats = RepeatedLines(clock: clock, loop: loop)
    }

    /// All parts log to one logger, nothing is held back.
    package init(_ logger: Logger) {
        levels = LogLevels(root: LogLevel(logger.logLevel))
        let handler = logger.handler
        makeHandler = { _ in handler }
        repeats = nil
    }

    /// Gives a name a level, or takes its own one away, and says so.
    package func setLevel(_ level: LogLevel?, of name: String) {
        guard let former = levels.level(of: name) else { return }
        if let level { levels.set(level, for: name) } else { levels.unset(name) }
        let now = levels.level(of: name) ?? former
        self[part: .admin].notice(
            "log level changed", metadata: ["logger": "\(name)", "from": "\(former)", "to": "\(now)"])
    }

    /// The logger of one part.
    package subscript(part part: LogPart) -> Logger {
        let handler = PartLogHandler(
            name: part.rawValue, cell: levels.cell(of: part), repeats: repeats, base: makeHandler(part.rawValue))
        return Logger(label: part.rawValue) { _ in handler }
    }
}

/// Lets through what the levels of the moment allow, and of repeated warnings as many as are worth reading.
struct PartLogHandler: LogHandler {
    let name: String
    let cell: LogLevels.Cell
    let repeats: RepeatedLines?
    var base: any LogHandler
    /// Set where a logger was given a level of its own in code.
    private var ownLevel: Logger.Level?

    init(name: String, cell: LogLevels.Cell, repeats: RepeatedLines?, base: any LogHandler) {
        self.name = name
        self.cell = cell
        self.repeats = repeats
        self.base = base
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? cell.level.threshold }
        set { ownLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if ownLevel == nil, cell.level == .off { return }
        guard event.level >= .warning, event.level < .critical, let repeats else { return base.log(event: event) }
        let isWritten = repeats.admit("\(name) \(event.message)") { [base] count in
            var summary = event
            summary.message = "a line was repeated and not written each time"
            summary.metadata = ["line": "\(event.message)", "times": "\(count)"]
            base.log(event: summary)
        }
        if isWritten { base.log(event: event) }
    }
}
