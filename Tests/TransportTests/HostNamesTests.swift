import Dispatch
import Glibc
import Synchronization
import Testing
import World

@testable import Transport

@Suite("Names are looked up side by side")
final class HostNamesTests {
    private let transport = LiveTransport(loopCount: 1)
    private var loop: any Loop { transport.controlLoop }

    deinit { try? transport.stop() }

    /// Asks at once; the answer can be waited for.
    private func ask(_ names: HostNames, _ host: String) -> Task<HostNames.Found, any Error> {
        let (answers, continuation) = AsyncStream.makeStream(of: Result<HostNames.Found, HostNames.UnknownName>.self)
        names.find(host, on: loop) { continuation.yield($0) }
        return Task {
            for await answer in answers { return try answer.get() }
            throw CancellationError()
        }
    }

    private func fresh(_ addresses: String...) -> HostNames.Found {
        HostNames.Found(addresses: addresses, isRemembered: false)
    }

    private func remembered(_ addresses: String...) -> HostNames.Found {
        HostNames.Found(addresses: addresses, isRemembered: true)
    }

    @Test("A name that nobody answers for holds up no other, and is asked for once at a time")
    func sideBySide() async throws {
        let asked = Mutex<[String]>([])
        let release = DispatchSemaphore(value: 0)
        let names = HostNames { host in
            asked.withLock { $0.append(host) }
            if host == "dead" { release.wait() }
            return .addresses(["127.0.0.\(host.utf8.count)"])
        }
        let first = ask(names, "dead")
        let second = ask(names, "dead")
        #expect(try await ask(names, "alive").value == fresh("127.0.0.5"))
        release.signal()
        #expect(try await first.value == fresh("127.0.0.4"))
        #expect(try await second.value == fresh("127.0.0.4"))
        #expect(asked.withLock { $0.sorted() } == ["alive", "dead"])
    }

    @Test("As many dead names as are looked up at once make a living one wait for the first of them only")
    func manyDead() async throws {
        let release = DispatchSemaphore(value: 0)
        let names = HostNames { host in
            if host.hasPrefix("dead") { release.wait() }
            return .addresses(["127.0.0.1"])
        }
        let dead = (0..<HostNames.lookupsMax).map { ask(names, "dead-\($0)") }
        let alive = (0..<2).map { _ in ask(names, "alive") }
        release.signal()
        for answer in alive { #expect(try await answer.value == fresh("127.0.0.1")) }
        for _ in 1..<HostNames.lookupsMax { release.signal() }
        for answer in dead { #expect(try await answer.value == fresh("127.0.0.1")) }
        #expect(try await ask(names, "alive").value == fresh("127.0.0.1"))
    }

    @Test("More than may wait for a name are told at once that it is not known")
    func tooManyWait() async throws {
        let release = DispatchSemaphore(value: 0)
        let names = HostNames { _ in
            release.wait()
            return .addresses(["127.0.0.1"])
        }
        let waiting = (0..<HostNames.waitersMax).map { _ in ask(names, "dead") }
        await #expect(throws: HostNames.UnknownName.self) { try await ask(names, "dead").value }
        release.signal()
        for answer in waiting { #expect(try await answer.value == fresh("127.0.0.1")) }
    }

    @Test("A name server that answers nobody makes the last addresses serve, until it answers with others")
    func remembers() async throws {
        let release = DispatchSemaphore(value: 0)
        let turn = Mutex(0)
        let names = HostNames(patienceMilliseconds: 10) { _ in
            let turn = turn.withLock { turn in
                defer { turn += 1 }
                return turn
            }
            if turn == 1 { release.wait() }
            return .addresses(["127.0.0.\(turn)"])
        }
        #expect(try await ask(names, "h").value == fresh("127.0.0.0"))
        // Patience ends while the look-up goes on; who comes later need not wait at all.
        #expect(try await ask(names, "h").value == remembered("127.0.0.0"))
        #expect(try await ask(names, "h").value == remembered("127.0.0.0"))
        #expect(turn.withLock { $0 } == 2)
        release.signal()
        var found = remembered()
        while found.isRemembered { found = try await ask(names, "h").value }
        #expect(found.addresses != ["127.0.0.0"])
    }

    @Test("A name server that can't answer makes the last addresses serve; one that knows no such name does not")
    func silence() async throws {
        let answers = Mutex<[HostNames.Answer]>([.silence, .addresses(["127.0.0.1"]), .silence, .unknown, .silence])
        let names = HostNames(patienceMilliseconds: 3_600_000) { _ in answers.withLock { $0.removeFirst() } }
        await #expect(throws: HostNames.UnknownName.self) { try await ask(names, "h").value }
        #expect(try await ask(names, "h").value == fresh("127.0.0.1"))
        #expect(try await ask(names, "h").value == remembered("127.0.0.1"))
        await #expect(throws: HostNames.UnknownName.self) { try await ask(names, "h").value }
        #expect(try await ask(names, "h").value == remembered("127.0.0.1"))
    }

    @Test("A refusal at a remembered address is no proof that a process is gone")
    func refusal() {
        #expect(ConnectError([ECONNREFUSED], isRemembered: false) == .refused)
        #expect(ConnectError([ECONNREFUSED], isRemembered: true) != .refused)
        #expect(ConnectError([ECONNREFUSED, EHOSTUNREACH], isRemembered: false) != .refused)
    }
}
