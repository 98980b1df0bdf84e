import Synchronization

/// How much each logger says, changeable while the node runs.
///
/// Names form a tree at their dots: `kafka.server` covers `kafka.server.ReplicaManager`. A logger without a level of
/// its own has that of its nearest ancestor, at last that of the root.
package final class LogLevels: Sendable {
    /// The name of the ancestor of all.
    package static let rootName = "root"

    private struct State {
        var root: LogLevel
        var own: [String: LogLevel]
    }

    /// What one part's loggers look at; a load is all that a line below the level costs.
    final class Cell: Sendable {
        private let raw: Atomic<UInt8>

        init(_ level: LogLevel) { raw = Atomic(level.rawValue) }

        var level: LogLevel {
            get { LogLevel(rawValue: raw.load(ordering: .relaxed)) ?? .info }
            set { raw.store(newValue.rawValue, ordering: .relaxed) }
        }
    }

    private let startRoot: LogLevel
    private let state: Mutex<State>
    private let cells: [LogPart: Cell]
    private let known: Set<String>
    /// Names that were given at start and that no logger has.
    package let unknownNames: [String]

    package init(root: LogLevel = .info, given: [String: LogLevel] = [:]) {
        var known: Set<String> = []
        for part in LogPart.allCases {
            for ancestor in LogLevels.path(of: part.rawValue) { known.insert(ancestor) }
        }
        self.known = known
        startRoot = root
        unknownNames = given.keys.filter { !known.contains($0) }.sorted()
        state = Mutex(State(root: root, own: given.filter { known.contains($0.key) }))
        cells = Dictionary(uniqueKeysWithValues: LogPart.allCases.map { ($0, Cell(root)) })
        refresh()
    }

    /// All names that can have a level: the root first, then by name.
    package var names: [String] { [LogLevels.rootName] + known.sorted() }

    /// Whether a name can have a level.
    package func isKnown(_ name: String) -> Bool { name == LogLevels.rootName || known.contains(name) }

    /// The level in force for a name; nil where there is no such logger.
    package func level(of name: String) -> LogLevel? {
        guard isKnown(name) else { return nil }
        return state.withLock { LogLevels.effective(name, $0) }
    }

    /// Gives a name, and all below it without a level of their own, a level; false where there is no such logger.
    @discardableResult
    package func set(_ level: LogLevel, for name: String) -> Bool {
        guard isKnown(name) else { return false }
        state.withLock { state in
            if name == LogLevels.rootName { state.root = level } else { state.own[name] = level }
        }
        refresh()
        return true
    }

    /// Takes a name's own level away, the root's back to that of the start; false where there is no such logger.
    @discardableResult
    package func unset(_ name: String) -> Bool {
        guard isKnown(name) else { return false }
        state.withLock { state in
            if name == LogLevels.rootName { state.root = startRoot } else { state.own[name] = nil }
        }
        refresh()
        return true
    }

    func cell(of part: LogPart) -> Cell {
        guard let cell = cells[part] else { preconditionFailure("every part has a cell") }
        return cell
    }

    private func refresh() {
        state.withLock { state in
            for (part, cell) in cells { cell.level = LogLevels.effective(part.rawValue, state) }
        }
    }

    private static func effective(_ name: String, _ state: State) -> LogLevel {
        for ancestor in path(of: name) { if let level = state.own[ancestor] { return level } }
        return state.root
    }

    /// The name itself, then its ancestors, the nearest first; not the root.
    private static func path(of name: String) -> [String] {
        var path = [name]
        var rest = Substring(name)
        while let dot = rest.utf8.lastIndex(of: UInt8(ascii: ".")) {
            rest = rest[..<dot]
            path.append(String(rest))
        }
        return path
    }
}

extension LogLevels {
    /// The levels that a configuration gives: `log.level` for the root, `log.levels` as `name=LEVEL,name=LEVEL`.
    ///
    /// - Errors: a word that is no level, an item that is not of this form.
    package convenience init(_ settings: Settings) throws(ConfigurationError) {
        var given: [String: LogLevel] = [:]
        for item in settings.list("log.levels") {
            let parts = item.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
            guard parts.count == 2 else {
                throw ConfigurationError("log.levels: `\(item)` is not of the form logger=LEVEL")
            }
            given[parts[0]] = try LogLevels.level(parts[1], "log.levels")
        }
        let root = try LogLevels.level(settings.string("log.level"), "log.level")
        self.init(root: given.removeValue(forKey: LogLevels.rootName) ?? root, given: given)
    }

    private static func level(_ text: String, _ key: String) throws(ConfigurationError) -> LogLevel {
        guard let level = LogLevel(text) else {
            let names = LogLevel.allCases.map(\.description).joined(separator: ", ")
            throw ConfigurationError("\(key): `\(text)` is no level; expected one of \(names)")
        }
        return level
    }
}
