import LiveWorld
import Logging
import Primitives
import Testing
import World

@testable import BrokerServer

@Suite("A connection to the admin port")
struct AdminConnectionTests {
    /// A pool that works at once.
    private final class DirectPool: BlockingPool {
        func run(_ work: @escaping @Sendable () -> Void) { work() }
    }

    private struct NoRandomness: Randomness {
        func next() -> UInt64 { 0 }
    }

    private struct Source: MetricsSource {
        func report(into page: inout MetricsPage) { page.gauge("answer", "The answer.", 42) }
    }

    private final class Scene {
        let loop = ManualLoop()
        let link: ScriptedLink
        let connection: AdminConnection
        let levels = LogLevels()

        init() {
            link = ScriptedLink(loop)
            let world = World(
                clock: loop, randomness: NoRandomness(), files: PosixFileStore(), network: ScriptedNetwork(loop),
                loops: [loop], controlLoop: loop, pool: DirectPool())
            let desk = MetricsDesk(world)
            desk.add(Source())
            let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let logs = NodeLogs(levels: levels, clock: loop, loop: loop) { _ in SwiftLogNoOpLogHandler() }
            connection = AdminConnection(
                link: link, pages: AdminPages(metrics: desk, logs: logs, world: world) { [] }, counts: AdminCounts(),
                refusals: RefusalLog(log: silent, clock: loop)
            ) {}
        }

        func say(_ text: String) {
            let connection = connection
            loop.run { connection.frameReceived(Bytes(Array(text.utf8))) }
        }

        func heard() -> String { String(decoding: link.takeBytes(), as: UTF8.self) }
    }

    private static let get = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("Two requests at once are answered one after the other, on a connection that stays")
    func answersInTurn() {
        let scene = Scene()
        scene.say(Self.get + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        let heard = scene.heard()
        #expect(heard.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(heard.contains("\r\n\r\n# HELP answer The answer.\n# TYPE answer gauge\nanswer 42\n"))
        #expect(heard.contains("HTTP/1.1 404 Not Found\r\n"))
        #expect(!scene.link.isClosed && scene.link.isReading)
    }

    @Test("HEAD is answered like GET, without the body; other methods are refused")
    func answersMethods() {
        let scene = Scene()
        scene.say("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = scene.heard()
        #expect(head.contains("200 OK") && head.contains("Content-Length: 3\r\n") && head.hasSuffix("\r\n\r\n"))
        scene.say("DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(scene.heard().hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n"))
    }

    @Test("What is no HTTP gets one answer, and the connection ends")
    func refuses() {
        let scene = Scene()
        scene.say("\u{0}\u{0}\u{0}\u{10}\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        #expect(scene.heard().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(scene.link.isClosed)
        scene.say(Self.get)
        #expect(scene.heard().isEmpty)
    }

    @Test("A request that arrives a byte at a time has no more time than another")
    func cutsOffSlowRequests() {
        let scene = Scene()
        for _ in 0..<49 {
            scene.say("G")
            scene.loop.pass(milliseconds: 100)
        }
        #expect(!scene.link.isClosed)
        scene.loop.pass(milliseconds: 200)
        #expect(scene.heard().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(scene.link.isClosed)
    }

    @Test("A connection that says nothing is closed, sooner if it never did")
    func cutsOffIdleConnections() {
        let silent = Scene()
        silent.loop.pass(milliseconds: 5_001)
        #expect(silent.link.isClosed)
        let scene = Scene()
        scene.say(Self.get)
        scene.loop.pass(milliseconds: 119_000)
        #expect(!scene.link.isClosed)
        scene.loop.pass(milliseconds: 2_000)
        #expect(scene.link.isClosed)
    }

    @Test("A peer that does not take its answer gets no second one, and is cut off")
    func cutsOffWhoDoesNotRead() {
        let scene = Scene()
        scene.link.queuedBytes = 10 << 20
        scene.say(Self.get + Self.get)
        #expect(scene.heard().occurrences(of: "HTTP/1.1 200") == 1)
        #expect(!scene.link.isReading)
        scene.loop.pass(milliseconds: 29_000)
        #expect(!scene.link.isClosed)
        scene.loop.pass(milliseconds: 2_000)
        #expect(scene.link.isClosed)
    }

    @Test("Log levels are told to all, and set from this machine only")
    func setsLevels() {
        let scene = Scene()
        scene.say("GET /loggers HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(scene.heard().contains("root=INFO\n"))
        scene.say("PUT /loggers/root HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nDEBUG")
        // The link comes from 10.0.0.1.
        #expect(scene.heard().hasPrefix("HTTP/1.1 403 Forbidden"))
        #expect(scene.levels.level(of: "root") == .info)
    }
}

extension String {
    fileprivate func occurrences(of separator: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: separator) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
