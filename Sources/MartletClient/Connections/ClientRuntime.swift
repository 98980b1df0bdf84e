import LiveWorld
package import Primitives
import Transport
package import World

/// The thread, the network and the clock that all clients of a program share.
package final class ClientRuntime: Sendable {
    /// Started with the first client; lives as long as the program.
    package static let shared = ClientRuntime()

    package let loop: any Loop
    package let network: any Network
    package let clock: any Clock
    private let transport: LiveTransport

    private init() {
        transport = LiveTransport(loopCount: 1)
        loop = transport.loops[0]
        network = transport.network
        clock = SystemClock()
    }

    /// A generator of unpredictable numbers: the world draws its seed.
    package func generator() -> SeededGenerator { SeededGenerator(seed: SystemRandomness().next()) }

    /// Lets time pass.
    package func sleep(milliseconds: Int64) async {
        await withCheckedContinuation { continuation in
            loop.schedule(afterMilliseconds: max(milliseconds, 0)) { continuation.resume() }
        }
    }
}
