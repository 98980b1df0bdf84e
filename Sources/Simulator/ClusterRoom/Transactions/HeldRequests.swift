import Primitives
import World

/// A network that holds requests of a producer and delivers them when it has long given them up (fault F32): as what
/// was written to a connection that stood still, and was closed by its client.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class HeldRequests: @unchecked Sendable {
    /// What is delivered goes over connections of its own, which nobody pauses.
    let client: SimulatedClient
    private var generator: SeededGenerator
    private let oneIn: UInt64
    private let millisecondsMax: Int64
    private let patienceMillisecondsMax: Int64
    private var held: [Int: @Sendable () -> Void] = [:]
    private var nextNumber = 0
    private var unanswered = 0
    /// All is healed: nothing is held any more.
    private var isOver = false

    /// What was held is delivered so soon at the end.
    private static let lastMilliseconds: Int64 = 2_000

    init(_ client: SimulatedClient, oneIn: UInt64, plan: TransactionPlan) {
        self.client = client
        self.oneIn = oneIn
        millisecondsMax = plan.heldMillisecondsMax
        patienceMillisecondsMax = plan.patienceMillisecondsMax
        generator = client.generator()
    }

    /// Whether nothing is held or on its way.
    var isEmpty: Bool { held.isEmpty && unanswered == 0 }

    /// Whether the next request is held; then `hold` is to be called.
    func takesNext() -> Bool { !isOver && generator.chance(1, in: oneIn) }

    /// Delivers a request later; gives for how long its producer waits for the answer in vain.
    func hold(_ deliver: @escaping @Sendable (_ answered: @escaping @Sendable () -> Void) -> Void) -> Int64 {
        let number = nextNumber
        nextNumber += 1
        held[number] = { [self] in
            unanswered += 1
            deliver { self.unanswered -= 1 }
        }
        deliverLater(number, 100 + Int64(generator.next() % UInt64(millisecondsMax)))
        return 50 + Int64(generator.next() % UInt64(patienceMillisecondsMax))
    }

    private func deliverLater(_ number: Int, _ milliseconds: Int64) {
        client.loop.schedule(afterMilliseconds: milliseconds) { [self] in held.removeValue(forKey: number)?() }
    }

    /// Delivers all that is held, soon.
    func release() {
        isOver = true
        for number in held.keys.sorted() {
            deliverLater(number, Int64(generator.next() % UInt64(HeldRequests.lastMilliseconds)))
        }
    }
}
