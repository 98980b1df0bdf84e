import Dispatch
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import World

@testable import Transport

@Suite("Names are looked up side by side")
struct HostNamesTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

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
        let first = names.find("dead", on: loop)
        let second = names.find("dead", on: loop)
        #expect(try await names.find("alive", on: loop).get() == fresh("127.0.0.5"))
        release.signal()
        #expect(try await first.get() == fresh("127.0.0.4"))
        #expect(try await second.get() == fresh("127.0.0.4"))
        #expect(asked.withLock { $0.sorted() } == ["alive", "dead"])
    }

    @Test("As many dead names as are looked up at once make a living one wait for the first of them only")
    func manyDead() async throws {
        let release = DispatchSemaphore(value: 0)
        let names = HostNames { host in
            if host.hasPrefix("dead") { release.wait() }
            return .addresses(["127.0.0.1"])
        }
        let dead = (0..<HostNames.lookupsMax).map { names.find("dead-\($0)", on: loop) }
        let alive = (0..<2).map { _ in names.find("alive", on: loop) }
        release.signal()
        for answer in alive { #expect(try await answer.get() == fresh("127.0.0.1")) }
        for _ in 1..<HostNames.lookupsMax { release.signal() }
        for answer in dead { #expect(try await answer.get() == fresh("127.0.0.1")) }
        #expect(try await names.find("alive", on: loop).get() == fresh("127.0.0.1"))
    }

    @Test("More than may wait for a name are told at once that it is not known")
    func tooManyWait() async throws {
        let release = DispatchSemaphore(value: 0)
        let names = HostNames { _ in
            release.wait()
            return .addresses(["127.0.0.1"])
        }
        let waiting = (0..<HostNames.waitersMax).map { _ in names.find("dead", on: loop) }
        await #expect(throws: HostNames.UnknownName.self) { try await names.find("dead", on: loop).get() }
        release.signal()
        for answer in waiting { #expect(try await answer.get() == fresh("127.0.0.1")) }
    }

    @Test("A name server that answers nobody makes the last addresses serve, until it answers with others")
    func remembers() async throws {
        let release = DispatchSemaphore(value: 0)
        let turn = Mutex(0)
        let names = HostNames(patience: .milliseconds(10)) { _ in
            let turn = turn.withLock { turn in
                defer { turn += 1 }
                return turn
            }
            if turn == 1 { release.wait() }
            return .addresses(["127.0.0.\(turn)"])
        }
        #expect(try await names.find("h", on: loop).get() == fresh("127.0.0.0"))
        // Patience ends while the look-up goes on; who comes later need not wait at all.
        #expect(try await names.find("h", on: loop).get() == remembered("127.0.0.0"))
        #expect(try await names.find("h", on: loop).get() == remembered("127.0.0.0"))
        #expect(turn.withLock { $0 } == 2)
        release.signal()
        var found = remembered()
        while found.isRemembered { found = try await names.find("h", on: loop).get() }
        #expect(found.addresses != ["127.0.0.0"])
    }

    @Test("A name server that can't answer makes the last addresses serve; one that knows no such name does not")
    func silence() async throws {
        let answers = Mutex<[HostNames.Answer]>([.silence, .addresses(["127.0.0.1"]), .silence, .unknown, .silence])
        let names = HostNames(patience: .hours(1)) { _ in answers.withLock { $0.removeFirst() } }
        await #expect(throws: HostNames.UnknownName.self) { try await names.find("h", on: loop).get() }
        #expect(try await names.find("h", on: loop).get() == fresh("127.0.0.1"))
        #expect(try await names.find("h", on: loop).get() == remembered("127.0.0.1"))
        await #expect(throws: HostNames.UnknownName.self) { try await names.find("h", on: loop).get() }
        #expect(try await names.find("h", on: loop).get() == remembered("127.0.0.1"))
    }

    @Test("Addresses of both families go where SwiftNIO asks for them")
    func families() async throws {
        let names = HostNames { _ in .addresses(["127.0.0.1", "::1"]) }
        let resolver = HostResolver(names, on: loop)
        #expect(try await resolver.initiateAQuery(host: "h", port: 7).get().map(\.ipAddress) == ["127.0.0.1"])
        #expect(try await resolver.initiateAAAAQuery(host: "h", port: 7).get().map(\.port) == [7])
        #expect(!resolver.hasRemembered)
    }

    @Test("A refusal at a remembered address is no proof that a process is gone")
    func refusal() async throws {
        let answers = Mutex<[HostNames.Answer]>([.addresses(["127.0.0.1"]), .silence])
        let names = HostNames(patience: .hours(1)) { _ in answers.withLock { $0.removeFirst() } }
        _ = try await names.find("h", on: loop).get()
        let resolver = HostResolver(names, on: loop)
        _ = try await resolver.initiateAQuery(host: "h", port: 7).get()
        #expect(resolver.hasRemembered)
        let refusal = IOError(errnoCode: ECONNREFUSED, reason: "connect")
        let endpoint = Endpoint(host: "h", port: 7)
        #expect(ConnectError(refusal, endpoint, isRemembered: false) == .refused)
        #expect(ConnectError(refusal, endpoint, isRemembered: true) != .refused)
    }
}
