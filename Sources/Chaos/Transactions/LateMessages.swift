import MartletClient
import Primitives
import Synchronization
import WireProtocol
import World

/// A network that holds messages of one client back, each by itself, and delivers them when nobody waits any more.
final class LateMessages: Sendable {
    /// How often it holds something, and for how long.
    struct Habits: Sendable {
        /// Of a thousand messages.
        var heldPerThousand: Int64 = 250
        var holdMilliseconds: ClosedRange<Int64> = 20...3_000
        /// Of a thousand that are held, those that are held for `longHoldMilliseconds`.
        var longPerThousand: Int64 = 20
        var longHoldMilliseconds: ClosedRange<Int64> = 10_000...20_000
        /// What the client waits before it takes a message for lost.
        var clientMilliseconds: ClosedRange<Int64> = 0...150
        /// Of a thousand that were held, those after which the client does not ask again but gives its transaction up.
        var givenUpPerThousand: Int64 = 400
    }

    /// What becomes of one message.
    struct Hold: Hashable, Sendable {
        let milliseconds: Int64
        let clientMilliseconds: Int64
        let isGivenUp: Bool
    }

    private struct State {
        var generator: SeededGenerator
        var deliveries: [Task<Void, Never>] = []
        var answers: [String: Int] = [:]
    }

    private let habits: Habits
    private let network: ClusterClient
    private let state: Mutex<State>

    /// - Parameter configuration: late messages come over connections of their own.
    init(_ habits: Habits, _ configuration: ClientConfiguration, seed: UInt64) throws(ClientError) {
        self.habits = habits
        network = try ClusterClient(configuration)
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    /// Whether the next message is held; nil where it goes through.
    func draw() -> Hold? {
        state.withLock { state in
            func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &state.generator) }
            guard number(0...999) < habits.heldPerThousand else { return nil }
            let isLong = number(0...999) < habits.longPerThousand
            return Hold(
                milliseconds: number(isLong ? habits.longHoldMilliseconds : habits.holdMilliseconds),
                clientMilliseconds: number(habits.clientMilliseconds),
                isGivenUp: number(0...999) < habits.givenUpPerThousand)
        }
    }

    /// Delivers a message to where it was on its way to, and counts what is answered under the name of its step.
    func deliver<Request: WireRequest>(
        _ request: Request, _ name: String, upTo versionLimit: Int16?, to endpoint: Endpoint, after milliseconds: Int64,
        _ code: @escaping @Sendable (Request.Response) -> ErrorCode
    ) {
        let delivery = Task { [network] in
            await network.runtime.sleep(milliseconds: milliseconds)
            let answer = try? await network.send(request, to: endpoint, upTo: versionLimit)
            let text = answer.map { code($0).description } ?? "no answer"
            self.state.withLock { $0.answers["\(name) \(text)", default: 0] += 1 }
        }
        state.withLock { $0.deliveries.append(delivery) }
    }

    /// Waits until everything is delivered; then how often which late message was answered how.
    func finish() async -> [String: Int] {
        for delivery in state.withLock({ $0.deliveries }) { await delivery.value }
        network.close()
        return state.withLock { $0.answers }
    }
}
