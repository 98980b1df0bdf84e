import Controller
import Primitives
import World

/// Measures by how much the control loop is held up, and looks at a broker's peers on the way.
///
/// `@unchecked Sendable`: touched on the control loop only.
final class LoopLagMeter: @unchecked Sendable {
    private static let intervalMilliseconds: Int64 = 100

    private let world: World
    private let look: @Sendable (MonotonicInstant) -> Void
    private var window: LagWindow
    private var dueAt: MonotonicInstant
    private var isStopped = false

    /// - Parameter look: called with each measurement.
    init(_ world: World, look: @escaping @Sendable (MonotonicInstant) -> Void) {
        self.world = world
        self.look = look
        window = LagWindow(now: world.clock.now)
        dueAt = world.clock.now
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

    private func schedule() {
        guard !isStopped else { return }
        dueAt = world.clock.now.advanced(byMilliseconds: LoopLagMeter.intervalMilliseconds)
        world.controlLoop.schedule(afterMilliseconds: LoopLagMeter.intervalMilliseconds) { [weak self] in
            self?.measure()
        }
    }

    private func measure() {
        let now = world.clock.now
        window.note(lateMilliseconds: max(now.milliseconds(since: dueAt), 0), now: now)
        look(now)
        schedule()
    }
}
