import Dispatch
import Glibc
import NIOCore
import Synchronization
import World

/// Looks host names up beside the loops: each name once at a time, different names side by side.
///
/// A dead machine's name may be asked for again and again, and take many seconds each time: it must hold up no other
/// name. And the addresses of
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
    static let patienceMilliseconds: Int64 = 250

    /// The names of this process.
    static let shared = HostNames { host in HostNames.systemLookUp(host) }

    /// Who waits for an answer; called on its loop.
    fileprivate struct Waiter {
        let loop: any Loop
        let take: @Sendable (Result<Found, UnknownName>) -> Void

        func tell(_ result: Result<Found, UnknownName>) {
            let take = take
            loop.execute { take(result) }
        }
    }

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
        /// In nanoseconds of the monotonic clock.
        let begun: Int64
        var waiting: [Int: Waiter] = [:]
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

    private let patienceNanoseconds: Int64
    private let lookUp: @Sendable (String) -> Answer
    private let state = Mutex(State())

    /// - Parameter lookUp: gives the addresses of a name in text form; blocks.
    init(
        patienceMilliseconds: Int64 = HostNames.patienceMilliseconds,
        lookUp: @escaping @Sendable (String) -> Answer
    ) {
        patienceNanoseconds = patienceMilliseconds * 1_000_000
        self.lookUp = lookUp
    }

    /// Finds the addresses of a name, and gives them to `completion` on the loop.
    func find(
        _ host: String, on loop: any Loop, _ completion: @escaping @Sendable (Result<Found, UnknownName>) -> Void
    ) {
        let waiter = Waiter(loop: loop, take: completion)
        let (place, starts) = state.withLock { $0.join(host, waiter, LoopTimer.now, patienceNanoseconds) }
        if starts { start(host) }
        switch place {
        case .waits: break
        case .waitsFor(let nanoseconds, let number):
            loop.schedule(afterMilliseconds: nanoseconds / 1_000_000 + 1) { self.giveUp(host, number) }
        case .remembers(let addresses): waiter.tell(.success(Found(addresses: addresses, isRemembered: true)))
        case .refused: waiter.tell(.failure(UnknownName(host: host)))
        }
    }

    /// A waiter that has waited long enough takes what is remembered.
    private func giveUp(_ host: String, _ number: Int) {
        let left = state.withLock { state in
            state.remembered[host].flatMap { addresses in
                state.lookups[host]?.waiting.removeValue(forKey: number).map { ($0, addresses) }
            }
        }
        if let (waiter, addresses) = left { waiter.tell(.success(Found(addresses: addresses, isRemembered: true))) }
    }

    /// A queue of its own has a thread at once, however many others are blocked; a concurrent one would not.
    private func start(_ host: String) { DispatchQueue(label: "name \(host)").async { self.look(host) } }

    private func look(_ host: String) {
        let answer = lookUp(host)
        let (waiters, result, next) = state.withLock { $0.end(host, answer) }
        if let next { start(next) }
        for waiter in waiters { waiter.tell(result) }
    }
}

extension HostNames {
    fileprivate enum Place {
        case waits
        /// So long; then what is remembered serves.
        case waitsFor(nanoseconds: Int64, waiter: Int)
        case remembers([String])
        case refused
    }
}

extension HostNames.State {
    /// Finds a place for somebody who asks; true if the look-up has to be started.
    fileprivate mutating func join(
        _ host: String, _ asking: HostNames.Waiter, _ now: Int64, _ patience: Int64
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
        lookup.waiting[waiter] = asking
        lookup.nextWaiter += 1
        lookups[host] = lookup
        guard remembered[host] != nil else { return (.waits, starts) }
        return (.waitsFor(nanoseconds: lookup.begun + patience - now, waiter: waiter), starts)
    }

    /// Takes a look-up's end in: who waited for it, what for, and which name has its thread next.
    fileprivate mutating func end(
        _ host: String, _ answer: HostNames.Answer
    ) -> ([HostNames.Waiter], Result<HostNames.Found, HostNames.UnknownName>, next: String?) {
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
