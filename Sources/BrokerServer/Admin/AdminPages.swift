import Logging
import Primitives
package import World

/// The pages of the admin port: which paths there are, and who answers them.
package final class AdminPages: Sendable {
    private let metrics: MetricsDesk
    private let logs: NodeLogs
    private var levels: LogLevels { logs.levels }
    private let watch: LoopWatch
    private let world: World
    private let unreadiness: @Sendable () -> [String]

    /// - Parameter unreadiness: why this node is not ready, nothing if it is; called on the control loop.
    package init(
        metrics: MetricsDesk, logs: NodeLogs, world: World, unreadiness: @escaping @Sendable () -> [String]
    ) {
        self.metrics = metrics
        self.logs = logs
        watch = LoopWatch(world)
        self.world = world
        self.unreadiness = unreadiness
    }

    /// Answers a request; `answer` is called once, on any thread.
    func answer(
        _ request: HTTPRequest, from remote: Endpoint, _ answer: @escaping @Sendable (HTTPResponse) -> Void
    ) {
        let isRead = request.method == .get || request.method == .head
        switch request.path {
        case "/metrics" where isRead:
            metrics.page { page in
                answer(HTTPResponse(.ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: page))
            }
        case "/healthz" where isRead: answerHealth(answer)
        case "/readyz" where isRead: answerReadiness(answer)
        case "/loggers" where isRead: answer(loggers())
        case "/" where isRead: answer(HTTPResponse(.ok, "/metrics\n/healthz\n/readyz\n/loggers"))
        case _ where request.path.hasPrefix("/loggers/"):
            answer(logger(String(request.path.dropFirst("/loggers/".count)), request, from: remote))
        case "/metrics", "/healthz", "/readyz", "/loggers", "/":
            answer(HTTPResponse(.methodNotAllowed, "only GET and HEAD are answered here"))
        default: answer(HTTPResponse(.notFound, "no such page; there are /metrics, /healthz, /readyz and /loggers"))
        }
    }

    // MARK: life

    private func answerHealth(_ answer: @escaping @Sendable (HTTPResponse) -> Void) {
        watch.look { findings in
            let silent = findings.filter { $0.microseconds == nil }.map(\.name)
            guard silent.isEmpty else {
                let names = silent.joined(separator: ", ")
                let limit = LoopWatch.answerMilliseconds
                return answer(HTTPResponse(.unavailable, "no answer within \(limit) ms from the loops: \(names)"))
            }
            answer(HTTPResponse(.ok, "ok"))
        }
    }

    private func answerReadiness(_ answer: @escaping @Sendable (HTTPResponse) -> Void) {
        world.controlLoop.execute { [unreadiness] in
            let reasons = unreadiness()
            answer(
                reasons.isEmpty
                    ? HTTPResponse(.ok, "ready")
                    : HTTPResponse(.unavailable, (["not ready"] + reasons).joined(separator: "\n")))
        }
    }

    // MARK: log levels

    private func loggers() -> HTTPResponse {
        let lines = levels.names.map { "\($0)=\(levels.level(of: $0).map(\.description) ?? "")" }
        return HTTPResponse(.ok, lines.joined(separator: "\n"))
    }

    /// GET tells one level; PUT with a level as its body sets it, and with an empty body takes it away. Only from this
    /// machine: the port has no other guard.
    private func logger(_ name: String, _ request: HTTPRequest, from remote: Endpoint) -> HTTPResponse {
        guard let level = levels.level(of: name) else { return HTTPResponse(.notFound, "no such logger") }
        switch request.method {
        case .get, .head: return HTTPResponse(.ok, "\(level)")
        case .other: return HTTPResponse(.methodNotAllowed, "GET, HEAD and PUT are answered here")
        case .put:
            guard AdminPages.isLoopback(remote.host) else {
                return HTTPResponse(.forbidden, "levels are set from this machine only, or by a Kafka client")
            }
            let wanted = request.body.trimmed
            guard wanted.isEmpty || LogLevel(wanted) != nil else {
                return HTTPResponse(.badRequest, "no such level")
            }
            logs.setLevel(LogLevel(wanted), of: name)
            return HTTPResponse(.ok, "\(levels.level(of: name) ?? level)")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "::1" || host.hasPrefix("127.") || host.hasPrefix("::ffff:127.")
    }
}
