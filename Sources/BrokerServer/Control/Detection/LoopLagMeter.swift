import Controller
import Primitives
import World

/// Measures by how much the control loop is held up, and looks at a broker's peers on the way.
///
/// `@unchecked Sendable`: touched on the control loop only.
final class LoopLagMeter: @unchecked Sendable {
    private static let intervalMilliseconds: Int64 = 100

    private let world: World
    /// Lateness from which on the loop counts as held up.
    private let heldUpMilliseconds: Int64
    private let look: @Sendable (MonotonicInstant) -> Void
    private var window: LagWindow
    private var dueAt: MonotonicInstant
    /// When the last hold-up ended, or the meter was made.
    private var wellSince: MonotonicInstant
    private var isStopped = false

    /// - Parameters:
    ///   - heldUpMilliseconds: `broker.silence.own.lag.ms`.
    ///   - look: called with each measurement.
    init(_ world: World, heldUpMilliseconds: Int64, look: @escaping @Sendable (MonotonicInstant) -> Void) {
        self.world = world
        self.heldUpMilliseconds = heldUpMilliseconds
        self.look = look
        window = LagWindow(now: world.clock.now)
        dueAt = world.clock.now
        wellSince = world.clock.now
    }

    func start() {
        world.controlLoop.execute {
            self.dueAt = self.world.clock.now
            self.schedule()
        }
    }

    func stop() { world.controlLoop.execute { self.isStopped = true } }

    /// The longest hold-up of late; on the control loop.
    var milliseconds: Int64 { window.milliseconds(now: world.clock.now) }

    /// For how long it was not held up; on the control loop.
    var wellMilliseconds: Int64 { world.clock.now.milliseconds(since: wellSince) }

    private func schedule() {
        guard !isStopped else { return }
        dueAt = world.clock.now.advanced(byMilliseconds: LoopLagMeter.intervalMilliseconds)
        world.controlLoop.schedule(afterMilliseconds: LoopLagMeter.intervalMilliseconds) { [weak self] in
            self?.measure()
        }
    }

    private func measure() {
        let now = world.clock.now
        let late = max(now.milliseconds(since: dueAt), 0)
        if late >= heldUpMilliseconds { wellSince = now }
        window.note(lateMilliseconds: late, now: now)
        look(now)
        schedule()
    }
}
