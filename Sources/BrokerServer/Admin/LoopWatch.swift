import Primitives
import Synchronization
import World

/// Looks whether the node's loops answer: a loop that doesn't is stuck or starved, and so are all its connections.
final class LoopWatch: Sendable {
    /// How long a loop answered, or that it did not.
    struct Finding: Hashable, Sendable {
        let name: String
        /// Nil where no answer came in time.
        let microseconds: Int64?
    }

    static let answerMilliseconds: Int64 = 1_000

    private let world: World

    init(_ world: World) { self.world = world }

    /// Asks all loops; `tell` is called once, when all have answered or the time is over, on any thread.
    func look(_ tell: @escaping @Sendable ([Finding]) -> Void) {
        let loops =
            world.dataLoops.started.enumerated().map { ("data-\($0.offset)", $0.element) } + [
                ("control", world.controlLoop)
            ]
        let round = RoundOfAnswers(loops.map { Finding(name: $0.0, microseconds: nil) }, tell)
        let start = world.clock.now
        for (index, (_, loop)) in loops.enumerated() {
            loop.execute { [world] in
                round.answered(index, microseconds: (world.clock.now.value - start.value) / 1_000)
            }
        }
        // Whichever loop answers keeps the time, so that one that is stuck can't keep it from passing.
        for (_, loop) in loops {
            loop.schedule(afterMilliseconds: LoopWatch.answerMilliseconds) { round.timeIsOver() }
        }
    }
}

/// The answers to one look.
private final class RoundOfAnswers: Sendable {
    private struct State {
        var findings: [LoopWatch.Finding]
        var missing: Int
        var tell: (@Sendable ([LoopWatch.Finding]) -> Void)?
    }

    private let state: Mutex<State>

    init(_ findings: [LoopWatch.Finding], _ tell: @escaping @Sendable ([LoopWatch.Finding]) -> Void) {
        state = Mutex(State(findings: findings, missing: findings.count, tell: tell))
    }

    func answered(_ index: Int, microseconds: Int64) {
        let told = state.withLock { state in
            let name = state.findings[index].name
            state.findings[index] = LoopWatch.Finding(name: name, microseconds: microseconds)
            state.missing -= 1
            return state.missing == 0 ? RoundOfAnswers.take(&state) : nil
        }
        told?.tell(told?.findings ?? [])
    }

    func timeIsOver() {
        let told = state.withLock { RoundOfAnswers.take(&$0) }
        told?.tell(told?.findings ?? [])
    }

    private static func take(_ state: inout State) -> (
        tell: @Sendable ([LoopWatch.Finding]) -> Void, findings: [LoopWatch.Finding]
    )? {
        guard let tell = state.tell else { return nil }
        state.tell = nil
        return (tell, state.findings)
    }
}
