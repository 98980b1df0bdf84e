import Primitives
import Synchronization
import Testing
import WireMessages
import WireProtocol
import World

@testable import BrokerServer

@Suite("Requests to a peer")
struct PeerConnectionTests {
    /// What became of the requests of a test, in order.
    final class Outcomes: Sendable {
        private let outcomes = Mutex<[Result<Int32, PeerError>]>([])
        var all: [Result<Int32, PeerError>] { outcomes.withLock { $0 } }
        func note(_ outcome: Result<Int32, PeerError>) { outcomes.withLock { $0.append(outcome) } }
    }

    let loop = ManualLoop()
    let network: ScriptedNetwork
    let peer: PeerConnection
    let outcomes = Outcomes()

    init() {
        network = ScriptedNetwork(loop)
        var limits = PeerLimits()
        limits.requestsMax = 4
        peer = PeerConnection(
            to: Endpoint(host: "peer", port: 9_092), clientID: "test", network: network, clock: loop, loop: loop,
            limits: limits)
    }

    /// Sends Metadata; the throttle time of its response tells it from others.
    private func send(timeoutMilliseconds: Int64 = 1_000, maxVersion: Int16? = nil) {
        peer.send(MetadataRequest(), maxVersion: maxVersion, timeoutMilliseconds: timeoutMilliseconds) {
            [outcomes] result in outcomes.note(result.map(\.throttleTimeMilliseconds))
        }
        loop.run()
    }

    private func takeRequests() throws -> [RequestHeader] {
        try #require(network.link).takeFrames().map { frame in
            var reader = WireReader(frame)
            return try RequestHeader(from: &reader) { $0 == .apiVersions ? 3 : 9 }
        }
    }

    private func negotiate(_ ranges: [APIKey: ClosedRange<Int16>] = [.metadata: 0...10], version: Int16 = 4) throws {
        _ = try takeRequests()
        var response = ApiVersionsResponse()
        response.apiKeys = ranges.map { key, range in
            var listed = ApiVersionsResponse.ApiVersion()
            listed.apiKey = key.value
            (listed.minVersion, listed.maxVersion) = (range.lowerBound, range.upperBound)
            return listed
        }
        network.receive(Bytes([0, 0, 0, 0] + response.encoded(version: version).array))
    }

    private func answer(_ header: RequestHeader, throttle: Int32) {
        var response = MetadataResponse()
        response.throttleTimeMilliseconds = throttle
        let whole = WireFrame.response(
            to: MetadataRequest.self, response, version: header.version, correlationID: header.correlationID)
        network.receive(whole[4..<whole.count])
    }

    @Test("Versions are agreed on first; then many requests are in flight at once")
    func pipelined() throws {
        send()
        send(maxVersion: 8)
        try negotiate()
        send()
        let requests = try takeRequests()
        #expect(requests.map(\.version) == [10, 8, 10])
        for (index, request) in requests.enumerated() { answer(request, throttle: Int32(index)) }
        #expect(outcomes.all == [.success(0), .success(1), .success(2)])
        #expect(network.attempts == 1)
    }

    @Test("A peer that knows no such version of ApiVersions is asked in version 0")
    func oldPeer() throws {
        send()
        var refusal = ApiVersionsResponse()
        refusal.errorCode = .unsupportedVersion
        network.receive(Bytes([0, 0, 0, 0] + refusal.encoded(version: 0).array))
        #expect(try takeRequests().map(\.version) == [4, 0])
        try negotiate(version: 0)
        #expect(try takeRequests().map(\.key) == [.metadata])
    }

    @Test("An API that the peer does not speak is unsupported, and nothing is sent")
    func unsupported() throws {
        send()
        try negotiate([.fetch: 0...10])
        #expect(outcomes.all == [.failure(.unsupported)])
        #expect(try takeRequests().isEmpty)
    }

    @Test("A refused connection fails what waits at once; the next attempt waits, longer each time")
    func refused() {
        network.refusal = .refused
        send()
        #expect(outcomes.all == [.failure(.refused)])
        send()
        #expect((network.attempts, outcomes.all.count) == (1, 1))
        loop.pass(milliseconds: 20)
        #expect((network.attempts, outcomes.all.count) == (2, 2))
        send()
        loop.pass(milliseconds: 39)
        #expect(network.attempts == 2)
        loop.pass(milliseconds: 1)
        #expect(network.attempts == 3)
    }

    @Test("When the connection ends, all in flight fails with the reason, and the next request connects anew")
    func ended() throws {
        send()
        try negotiate()
        send()
        network.end(.reset)
        #expect(outcomes.all == [.failure(.closed(.reset)), .failure(.closed(.reset))])
        send()
        #expect(network.attempts == 2)
        try negotiate()
        answer(try #require(takeRequests().first), throttle: 5)
        #expect(outcomes.all.last == .success(5))
    }

    @Test("A request without an answer in its time closes the connection, and what stands behind it fails too")
    func timedOut() throws {
        send()
        try negotiate()
        send(timeoutMilliseconds: 60_000)
        loop.pass(milliseconds: 999)
        #expect(outcomes.all.isEmpty)
        loop.pass(milliseconds: 2)
        #expect(outcomes.all == [.failure(.timedOut), .failure(.timedOut)])
        #expect(network.link?.isClosed == true)
    }

    @Test("A peer that accepts and says nothing is given up")
    func silentPeer() {
        send(timeoutMilliseconds: 60_000)
        loop.pass(milliseconds: 1_002)
        #expect(outcomes.all == [.failure(.timedOut)])
        #expect(network.link?.isClosed == true)
    }

    @Test("Too many requests fail at once")
    func queueFull() {
        for _ in 0..<5 { send() }
        #expect(outcomes.all == [.failure(.queueFull)])
    }

    @Test("A response that can't be read, or that answers another request, closes the connection")
    func malformed() throws {
        send()
        try negotiate()
        let request = try #require(takeRequests().first)
        network.receive(Bytes([0, 0, 0, UInt8(request.correlationID.value), 0, 1]))
        guard case .failure(.malformed) = outcomes.all.first else {
            Issue.record("\(outcomes.all)")
            return
        }
        #expect(network.link?.isClosed == true)
        send()
        try negotiate()
        _ = try takeRequests()
        network.receive(Bytes([9, 9, 9, 9]))
        #expect(outcomes.all.last == .failure(.closed(.badFrame)))
    }

    @Test("A raw response is a slice of the frame that arrived")
    func raw() throws {
        let bodies = Mutex<[Bytes]>([])
        peer.sendRaw(MetadataRequest(), timeoutMilliseconds: 1_000) { result in
            if case .success(let raw) = result { bodies.withLock { $0.append(raw.body) } }
        }
        loop.run()
        try negotiate()
        let request = try #require(takeRequests().first)
        let frame = Bytes([0, 0, 0, UInt8(request.correlationID.value), 0, 1, 2, 3])
        network.receive(frame)
        let body = try #require(bodies.withLock { $0.first })
        #expect(body.region === frame.region)
        #expect(body.array == [1, 2, 3])
    }

    @Test("After shutting down, everything fails")
    func shutDown() {
        send()
        peer.shutDown()
        loop.run()
        send()
        #expect(outcomes.all == [.failure(.shutDown), .failure(.shutDown)])
    }
}
