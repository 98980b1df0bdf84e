import CPolling
import Glibc

/// What may happen on a descriptor.
struct Readiness: OptionSet, Sendable {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: UInt32(martlet_readable))
    static let writable = Readiness(rawValue: UInt32(martlet_writable))
    /// An error, or the end of both directions: told whatever is waited for.
    static let broken = Readiness(rawValue: UInt32(martlet_broken))
}

/// Who owns a descriptor that a loop waits for. Called on the loop only.
protocol PolledSocket: AnyObject {
    func ready(_ readiness: Readiness)
    /// The loop ends: the descriptor has to be closed.
    func loopEnded()
}

/// The descriptors that one loop waits for (`epoll`).
///
/// A descriptor has a place for the time that it is waited for; what is told of a place that somebody else has by then
/// is dropped. Touched on its loop's thread only, but for `wake`.
@safe final class Poller {
    /// Where a descriptor stands.
    struct Place {
        fileprivate let index: Int
        fileprivate let use: UInt32

        fileprivate var token: UInt64 { UInt64(use) << 32 | UInt64(index) }
    }

    private struct Slot {
        var use: UInt32 = 0
        var socket: (any PolledSocket)?
    }

    private static let wakeToken = UInt64.max
    private static let eventsMax = 128

    private let poll: Int32
    private let alarm: Int32
    private var slots: [Slot] = []
    private var free: [Int] = []
    private let events: UnsafeMutablePointer<martlet_event>

    /// Nil where no descriptor is left.
    init?() {
        let poll = martlet_poll_open()
        guard poll >= 0 else { return nil }
        let alarm = martlet_wake_open(poll, Poller.wakeToken)
        guard alarm >= 0 else {
            _ = Glibc.close(poll)
            return nil
        }
        (self.poll, self.alarm) = (poll, alarm)
        unsafe events = .allocate(capacity: Poller.eventsMax)
    }

    deinit {
        unsafe events.deallocate()
        _ = Glibc.close(alarm)
        _ = Glibc.close(poll)
    }

    /// Ends a wait, the present one or the next; from any thread.
    func wake() { martlet_wake(alarm) }

    /// Waits for a descriptor from now on; nil where the system has no room for it.
    func add(_ descriptor: Int32, _ socket: any PolledSocket, _ wanted: Readiness) -> Place? {
        let index = free.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot()) }
        let place = Place(index: index, use: slots[index].use)
        guard martlet_poll_add(poll, descriptor, place.token, wanted.rawValue) == 0 else {
            free.append(index)
            return nil
        }
        slots[index].socket = socket
        return place
    }

    func change(_ place: Place, of descriptor: Int32, to wanted: Readiness) {
        _ = martlet_poll_change(poll, descriptor, place.token, wanted.rawValue)
    }

    /// Waits for it no longer; before it is closed.
    func remove(_ place: Place, of descriptor: Int32) {
        martlet_poll_remove(poll, descriptor)
        slots[place.index].socket = nil
        slots[place.index].use &+= 1
        free.append(place.index)
    }

    /// Waits, for ever where `nanoseconds` is nil, and hands what happened to the owners.
    func wait(nanoseconds: Int64?) {
        let count = unsafe martlet_poll_wait(poll, events, Int32(Poller.eventsMax), nanoseconds ?? -1)
        precondition(count >= 0, "a loop can't wait any more: error \(errno)")
        for at in 0..<Int(count) {
            let (token, flags) = unsafe (events[at].token, events[at].flags)
            if token == Poller.wakeToken { continue }
            let index = Int(token & 0xFFFF_FFFF)
            guard slots[index].use == UInt32(token >> 32), let socket = slots[index].socket else { continue }
            socket.ready(Readiness(rawValue: flags))
        }
    }

    /// Tells all owners that the loop ends.
    func end() {
        for index in slots.indices { slots[index].socket?.loopEnded() }
    }
}
