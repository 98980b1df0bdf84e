import Synchronization
import Testing
import World

@testable import BrokerServer

@Suite struct PerLoopTests {
    private final class Owned: Sendable {
        let loop: any Loop
        init(_ loop: any Loop) { self.loop = loop }
    }

    @Test("Each loop has a value of its own, made once, whenever the loop was started")
    func own() {
        let made = Mutex(0)
        let values = PerLoop { loop in
            made.withLock { $0 += 1 }
            return Owned(loop)
        }
        let loops = [0, 1, LoopGroup.countMax - 1].map { ManualLoop(place: $0) }
        for _ in 0..<3 {
            for loop in loops { #expect(values[loop].loop === loop) }
        }
        #expect(made.withLock { $0 } == loops.count)
    }
}
