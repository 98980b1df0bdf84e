import Primitives
import Synchronization

/// Decides who may connect, so that neither all clients, nor one address, nor a rush of them takes more than its share.
package final class ConnectionGate: Sendable {
    /// What a new connection is told.
    enum Verdict: Hashable, Sendable {
        /// It is served once the wait is over; it counts as open from now on.
        case admitted(waitMilliseconds: Int64)
        case refused(LimitCounts.Event)
    }

    private struct State {
        var total = 0
        var byAddress: [String: Int] = [:]
        var byListener: [ListenerIdentity: Int] = [:]
        var rate = ConnectionRate()
        var listenerRates: [ListenerIdentity: ConnectionRate] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Open connections now.
    package var total: Int { state.withLock { $0.total } }

    /// Open connections of a listener.
    package func total(of listener: ListenerIdentity) -> Int { state.withLock { $0.byListener[listener] ?? 0 } }

    /// Takes a place for a connection from `address`.
    ///
    /// - Parameter isExempt: counted, but always admitted: nodes among themselves.
    func enter(
        _ address: String, _ listener: ListenerIdentity, isExempt: Bool = false, _ limits: RequestLimits,
        now: MonotonicInstant
    ) -> Verdict {
        state.withLock { state in
            var wait: Int64 = 0
            if !isExempt {
                if let refusal = ConnectionGate.refusal(address, listener, limits, state) { return .refused(refusal) }
                guard let needed = ConnectionGate.pace(listener, limits, &state, now) else {
                    return .refused(.refusedByRate)
                }
                wait = needed
            }
            state.total += 1
            state.byAddress[address, default: 0] += 1
            state.byListener[listener, default: 0] += 1
            return .admitted(waitMilliseconds: wait)
        }
    }

    private static func refusal(
        _ address: String, _ listener: ListenerIdentity, _ limits: RequestLimits, _ state: State
    ) -> LimitCounts.Event? {
        if state.total >= limits.connectionsMax { return .refusedByTotal }
        if state.byAddress[address] ?? 0 >= limits.connectionsMax(from: address) { return .refusedByAddress }
        let ofListener = limits.of(listener).connectionsMax ?? .max
        return state.byListener[listener] ?? 0 >= ofListener ? .refusedByListener : nil
    }

    /// The wait that both paces ask for; nil where one of them refuses.
    private static func pace(
        _ listener: ListenerIdentity, _ limits: RequestLimits, _ state: inout State, _ now: MonotonicInstant
    ) -> Int64? {
        let ofListener = limits.of(listener).connectionsPerSecond
        var listenerRate = state.listenerRates[listener] ?? ConnectionRate()
        guard let first = state.rate.wait(perSecond: limits.connectionsPerSecond, now: now),
            let second = ofListener.map({ listenerRate.wait(perSecond: $0, now: now) }) ?? 0
        else { return nil }
        state.rate.take(perSecond: limits.connectionsPerSecond, now: now)
        if let ofListener {
            listenerRate.take(perSecond: ofListener, now: now)
            state.listenerRates[listener] = listenerRate
        }
        return max(first, second)
    }

    /// Gives the place back.
    func leave(_ address: String, _ listener: ListenerIdentity) {
        state.withLock { state in
            state.total -= 1
            let left = (state.byAddress[address] ?? 1) - 1
            state.byAddress[address] = left == 0 ? nil : left
            state.byListener[listener, default: 1] -= 1
        }
    }
}
