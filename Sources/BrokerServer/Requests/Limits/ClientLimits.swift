import Primitives
import Synchronization

/// What all listeners of a node share to keep their clients within bounds.
package final class ClientLimits: Sendable {
    package let gate = ConnectionGate()
    package let memory: HeldMemory
    package let counts = LimitCounts()
    private let state: Mutex<RequestLimits>
    private let listeners = Mutex<[@Sendable () -> [RequestConnection]]>([])
    /// When it was last looked for somebody to close, in nanoseconds: a look walks over all connections.
    private let lastRelief = Atomic<Int64>(.min)

    private static let reliefIntervalNanoseconds: Int64 = 50_000_000
    /// Who holds memory for less long is closed only beyond the hard limit.
    static let hogMilliseconds: Int64 = 2_000
    /// Beyond this many times half the limit whoever holds longest is closed, for however short it has been.
    private static let hardHalves = 3

    package init(_ limits: RequestLimits) {
        state = Mutex(limits)
        memory = HeldMemory(limitBytes: limits.heldBytesMax)
    }

    /// The limits in force.
    package var current: RequestLimits { state.withLock { $0 } }

    /// Other limits hold from now on; open connections that are above them stay.
    package func update(_ limits: RequestLimits) {
        state.withLock { $0 = limits }
        memory.setLimit(bytes: limits.heldBytesMax)
    }

    /// A listener whose connections may be closed to make room.
    func watch(_ connections: @escaping @Sendable () -> [RequestConnection]) {
        listeners.withLock { $0.append(connections) }
    }

    /// Closes the client that asked for nothing for the longest time: a node needs its place.
    func evictOne() {
        let all = listeners.withLock { $0 }.flatMap { $0() }
        guard let idlest = all.min(by: { $0.lastRequestNanoseconds < $1.lastRequestNanoseconds }) else { return }
        counts.note(.evicted)
        idlest.close()
    }

    /// While there is no memory left: closes whoever has held on to some the longest, be it a request that does not
    /// end or answers that are not taken.
    func relieve(now: MonotonicInstant) {
        let last = lastRelief.load(ordering: .relaxed)
        guard memory.isFull, last <= now.value - ClientLimits.reliefIntervalNanoseconds || last == .min,
            lastRelief.compareExchange(expected: last, desired: now.value, ordering: .relaxed).exchanged
        else { return }
        let hogs = listeners.withLock { $0 }.flatMap { $0() }.filter { $0.hogNanoseconds != nil }
        guard let oldest = hogs.min(by: { ($0.hogNanoseconds ?? .max) < ($1.hogNanoseconds ?? .max) }),
            let since = oldest.hogNanoseconds
        else { return }
        let isHard = memory.bytes > memory.limitBytes / 2 * ClientLimits.hardHalves
        guard isHard || MonotonicInstant(since).milliseconds(since: now) <= -ClientLimits.hogMilliseconds else {
            return
        }
        counts.note(.closedForMemory)
        oldest.abandon()
    }
}
