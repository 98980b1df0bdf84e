import Dispatch
import Glibc
import NIOCore
import Synchronization

/// Looks host names up beside the loops: each name once at a time, different names side by side.
///
/// A dead machine's name may be asked for again and again, and take many seconds each time: it must hold up no other
/// name, as it does with SwiftNIO's own resolver, which asks one after the other for each loop. And the addresses of
/// the last answer are remembered: where a new one does not come quickly, because the name server can't be reached for
/// a while, they serve. What the name server says is always preferred: a machine that comes back with another address
/// is found by the next connection.
final class HostNames: Sendable {
    /// How many names are looked up at once, each on a thread that ends when it is idle; more wait in their order.
    static let lookupsMax = 64
    /// How many may wait for one name, and how many names for a thread; more are told at once that it is not known.
    static let waitersMax = 1_024
    /// How many names are remembered.
    static let rememberedMax = 1_024
    /// How long an answer is waited for before a remembered one serves.
    static let patience = TimeAmount.milliseconds(250)

    /// The names of this process.
    static let shared = HostNames { host in HostNames.systemLookUp(host) }

    /// Nobody knows the name, or nobody says so.
    struct UnknownName: Error {
        let host: String
    }

    /// What a look-up ends with.
    enum Answer: Hashable, Sendable {
        case addresses([String])
        /// The name server knows no such name.
        case unknown
        /// No name server answers, or it can't.
        case silence
    }

    /// Addresses in text form.
    struct Found: Hashable, Sendable {
        let addresses: [String]
        /// They are those of an earlier answer.
        let isRemembered: Bool
    }

    fileprivate struct Lookup {
        let begun: NIODeadline
        var waiting: [Int: EventLoopPromise<Found>] = [:]
        var nextWaiter = 0
    }

    fileprivate struct State {
        /// The names that are looked up or wait for a thread.
        var lookups: [String: Lookup] = [:]
        var running = 0
        /// Names that wait for a thread, the first one first.
        var queued = CircularBuffer<String>()
        var remembered: [String: [String]] = [:]
    }

    private let patience: TimeAmount
    private let lookUp: @Sendable (String) -> Answer
    private let state = Mutex(State())

    /// - Parameter lookUp: gives the addresses of a name in text form; blocks.
    init(patience: TimeAmount = HostNames.patience, lookUp: @escaping @Sendable (String) -> Answer) {
        self.patience = patience
        self.lookUp = lookUp
    }

    /// The addresses of a name; fails with `UnknownName`.
    func find(_ host: String, on loop: any EventLoop) -> EventLoopFuture<Found> {
        let promise = loop.makePromise(of: Found.self)
        let now = NIODeadline.now()
        let (place, starts) = state.withLock { $0.join(host, promise, now, patience) }
        if starts { start(host) }
        switch place {
        case .waits: break
        case .waitsUntil(let end, let waiter): loop.scheduleTask(deadline: end) { self.giveUp(host, waiter) }
        case .remembers(let addresses): promise.succeed(Found(addresses: addresses, isRemembered: true))
        case .refused: promise.fail(UnknownName(host: host))
        }
        return promise.futureResult
    }

    /// A waiter that has waited long enough takes what is remembered.
    private func giveUp(_ host: String, _ waiter: Int) {
        let left = state.withLock { state in
            state.remembered[host].flatMap { addresses in
                state.lookups[host]?.waiting.removeValue(forKey: waiter).map { ($0, addresses) }
            }
        }
        if let (promise, addresses) = left { promise.succeed(Found(addresses: addresses, isRemembered: true)) }
    }

    /// A queue of its own has a thread at once, however many others are blocked; a concurrent one would not.
    private func start(_ host: String) { DispatchQueue(label: "name \(host)").async { self.look(host) } }

    private func look(_ host: String) {
        let answer = lookUp(host)
        let (promises, result, next) = state.withLock { $0.end(host, answer) }
        if let next { start(next) }
        for promise in promises { promise.completeWith(result.mapError { $0 }) }
    }
}

extension HostNames {
    fileprivate enum Place {
        case waits
        /// Until this time; then what is remembered serves.
        case waitsUntil(NIODeadline, waiter: Int)
        case remembers([String])
        case refused
    }
}

extension HostNames.State {
    /// Finds a place for somebody who asks; true if the look-up has to be started.
    fileprivate mutating func join(
        _ host: String, _ promise: EventLoopPromise<HostNames.Found>, _ now: NIODeadline, _ patience: TimeAmount
    ) -> (HostNames.Place, starts: Bool) {
        var (lookup, starts) = (lookups[host], false)
        if let lookup, let known = remembered[host], now >= lookup.begun + patience {
            return (.remembers(known), false)
        }
        if lookup == nil {
            guard running < HostNames.lookupsMax || queued.count < HostNames.waitersMax else {
                return (.refused, false)
            }
            starts = running < HostNames.lookupsMax
            if starts { running += 1 } else { queued.append(host) }
            lookup = HostNames.Lookup(begun: now)
        }
        guard var lookup, lookup.waiting.count < HostNames.waitersMax else { return (.refused, false) }
        let waiter = lookup.nextWaiter
        lookup.waiting[waiter] = promise
        lookup.nextWaiter += 1
        lookups[host] = lookup
        guard remembered[host] != nil else { return (.waits, starts) }
        return (.waitsUntil(lookup.begun + patience, waiter: waiter), starts)
    }

    /// Takes a look-up's end in: who waited for it, what for, and which name has its thread next.
    fileprivate mutating func end(
        _ host: String, _ answer: HostNames.Answer
    ) -> ([EventLoopPromise<HostNames.Found>], Result<HostNames.Found, HostNames.UnknownName>, next: String?) {
        let result: Result<HostNames.Found, HostNames.UnknownName>
        switch answer {
        case .addresses(let addresses):
            if remembered[host] != nil || remembered.count < HostNames.rememberedMax { remembered[host] = addresses }
            result = .success(HostNames.Found(addresses: addresses, isRemembered: false))
        case .unknown: result = .failure(HostNames.UnknownName(host: host))
        case .silence:
            if let known = remembered[host] {
                result = .success(HostNames.Found(addresses: known, isRemembered: true))
            } else {
                result = .failure(HostNames.UnknownName(host: host))
            }
        }
        let next = queued.popFirst()
        if next == nil { running -= 1 }
        return (lookups.removeValue(forKey: host).map { Array($0.waiting.values) } ?? [], result, next)
    }
}

extension HostNames {
    private static func systemLookUp(_ host: String) -> Answer {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        switch unsafe getaddrinfo(host, nil, &hints, &list) {
        case 0: break
        case EAI_NONAME: return .unknown
        default: return .silence
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let code = unsafe getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            if code == 0 {
                let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
                addresses.append(String(decoding: bytes, as: UTF8.self))
            }
            unsafe next = entry.pointee.ai_next
        }
        return .addresses(addresses)
    }
}
