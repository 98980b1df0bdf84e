import Primitives
import Synchronization
import Testing
import World

@testable import Simulator

/// Keeps what a link delivered.
private final class Collector: LinkHandler {
    let frames = Mutex<[[UInt8]]>([])
    let end = Mutex<LinkEnd?>(nil)
    func frameReceived(_ frame: Bytes) { frames.withLock { $0.append(frame.array) } }
    func roundReceived() {}
    func queueDrained() {}
    func linkEnded(_ end: LinkEnd) { self.end.withLock { $0 = end } }
}

@Suite struct VirtualNetworkTests {
    private static func frame(_ body: [UInt8]) -> Segment {
        .bytes(Bytes([0, 0, 0, UInt8(body.count)] + body))
    }

    /// Connects node 1 to a listener of node 2 and gives the near link, the far collector and the network.
    private func connected(seed: UInt64) throws -> (VirtualTime, VirtualNetwork, any Link, Collector) {
        let time = VirtualTime(seed: seed)
        let network = VirtualNetwork(time: time)
        let (near, far) = (VirtualLoop(time: time), VirtualLoop(time: time))
        let (nearHandler, farHandler) = (Collector(), Collector())
        _ = try network.view(of: 2).listen(at: Endpoint(host: "b", port: 9), on: LoopGroup([far]), frameLimitBytes: 100)
        { _ in
            farHandler
        }
        let link = Mutex<(any Link)?>(nil)
        network.view(of: 1).connect(
            to: Endpoint(host: "b", port: 9), on: near, timeoutMilliseconds: 100, frameLimitBytes: 100,
            handler: nearHandler
        ) { result in link.withLock { $0 = try? result.get() } }
        time.run(forMilliseconds: 50)
        return (time, network, try #require(link.withLock { $0 }), farHandler)
    }

    @Test("frames arrive whole and in order", arguments: 1...20)
    func order(seed: UInt64) throws {
        let (time, _, link, far) = try connected(seed: seed)
        for byte in 0..<50 as Range<UInt8> {
            link.loop.execute { link.send([Self.frame([byte])]) }
        }
        time.run(forMilliseconds: 100)
        #expect(far.frames.withLock { $0 } == (0..<50).map { [UInt8($0)] })
    }

    @Test("who watches hears of a node before what it sends leaves, and while it still runs")
    func watched() throws {
        let (time, network, link, far) = try connected(seed: 4)
        let heard = Mutex<[Int]>([])
        network.watch { node in
            #expect(link.loop.isCurrent)
            heard.withLock { $0.append(node) }
        }
        link.loop.execute { link.send([Self.frame([1])]) }
        time.run(forMilliseconds: 100)
        #expect(heard.withLock { $0 } == [1])
        #expect(far.frames.withLock { $0 } == [[1]])
        network.watch(nil)
        link.loop.execute { link.send([Self.frame([2])]) }
        time.run(forMilliseconds: 100)
        #expect(heard.withLock { $0 } == [1])
    }

    @Test("without frames all bytes arrive, in order")
    func unframed() throws {
        let time = VirtualTime(seed: 3)
        let network = VirtualNetwork(time: time)
        let (near, far) = (VirtualLoop(time: time), VirtualLoop(time: time))
        let handler = Collector()
        _ = try network.view(of: 2).listenUnframed(at: Endpoint(host: "b", port: 9), on: LoopGroup([far])) { _ in
            handler
        }
        let link = Mutex<(any Link)?>(nil)
        network.view(of: 1).connect(
            to: Endpoint(host: "b", port: 9), on: near, timeoutMilliseconds: 100, frameLimitBytes: 1,
            handler: Collector()
        ) { result in link.withLock { $0 = try? result.get() } }
        time.run(forMilliseconds: 50)
        let opened = try #require(link.withLock { $0 })
        for byte in 200..<250 as Range<UInt8> { near.execute { opened.send([.bytes(Bytes([byte]))]) } }
        time.run(forMilliseconds: 100)
        #expect(handler.frames.withLock { $0.flatMap { $0 } } == Array(200..<250))
    }

    @Test("what is sent into a cut arrives once it is healed")
    func cut() throws {
        let (time, network, link, far) = try connected(seed: 7)
        network.cut(from: 1, to: 2)
        link.loop.execute { link.send([Self.frame([1])]) }
        time.run(forMilliseconds: 1000)
        #expect(far.frames.withLock { $0 }.isEmpty)
        network.heal()
        time.run(forMilliseconds: 100)
        #expect(far.frames.withLock { $0 } == [[1]])
    }

    @Test("a port that nobody listens on refuses")
    func refused() {
        let time = VirtualTime(seed: 1)
        let network = VirtualNetwork(time: time)
        let outcome = Mutex<ConnectError?>(nil)
        network.view(of: 1).connect(
            to: Endpoint(host: "b", port: 9), on: VirtualLoop(time: time), timeoutMilliseconds: 100,
            frameLimitBytes: 100,
            handler: Collector()
        ) { result in
            if case .failure(let error) = result { outcome.withLock { $0 = error } }
        }
        time.run(forMilliseconds: 500)
        #expect(outcome.withLock { $0 } == .refused)
    }

    @Test("a frame above the limit ends the link")
    func limit() throws {
        let (time, _, link, far) = try connected(seed: 1)
        link.loop.execute { link.send([.bytes(Bytes([0, 0, 1, 0]))]) }
        time.run(forMilliseconds: 100)
        #expect(far.end.withLock { $0 } == .badFrame)
    }
}
