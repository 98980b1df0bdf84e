import Primitives
import Synchronization
package import World

/// One end of a simulated connection.
package final class VirtualLink: Link {
    private struct State {
        var peer: VirtualLink?
        var handler: (any LinkHandler)?
        /// Nil where the connection carries no frames.
        var frameLimitBytes: Int?
        var isReading = true
        var isEnded = false
        /// The machine of this end lost power: it sends nothing, and does not know what arrives.
        var isSilent = false
        var isFlushing = false
        /// Bytes that wait for the end of the round.
        var outgoing: [UInt8] = []
        /// Bytes that arrived; those before `taken` were handed over.
        var incoming: [UInt8] = []
        var taken = 0

        mutating func arrived(_ bytes: [UInt8]) {
            if incoming.isEmpty {
                incoming = bytes
            } else {
                incoming.removeFirst(taken)
                taken = 0
                incoming += bytes
            }
        }

        /// The length that the next frame begins with; nil where that has not arrived.
        var nextLength: Int? {
            guard incoming.count - taken >= 4 else { return nil }
            let word = (taken..<taken + 4).reduce(0 as UInt32) { $0 << 8 | UInt32(incoming[$1]) }
            return Int(Int32(bitPattern: word))
        }

        /// Takes what is behind the next `skipped` bytes.
        mutating func take(_ count: Int, behind skipped: Int) -> Bytes {
            let start = taken + skipped
            let bytes = Bytes(MemoryRegion(count: count), start: 0, count: count)
            unsafe bytes.withUnsafeMutableBytes { target in
                unsafe incoming.withUnsafeBytes { source in
                    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + count]))
                }
            }
            taken = start + count
            if taken == incoming.count { (incoming, taken) = ([], 0) }
            return bytes
        }
    }

    package let loop: any Loop
    private let virtualLoop: VirtualLoop?
    package let remote: Endpoint
    package let local: Endpoint
    private let node: Int
    private let network: VirtualNetwork
    private let state: Mutex<State>
    /// Pieces on their way to the peer, in order; each delivery takes the first.
    private let onTheWay = Mutex<[Piece]>([])

    private enum Piece: Sendable {
        case bytes([UInt8])
        case end(LinkEnd)
    }

    init(node: Int, loop: any Loop, remote: Endpoint, frameLimitBytes: Int?, network: VirtualNetwork) {
        self.node = node
        self.loop = loop
        virtualLoop = loop as? VirtualLoop
        self.remote = remote
        local = Endpoint(host: "node-\(node)", port: 0)
        self.network = network
        state = Mutex(State(frameLimitBytes: frameLimitBytes))
    }

    func peer(_ other: VirtualLink) { state.withLock { $0.peer = other } }

    func attach(_ handler: any LinkHandler) { state.withLock { $0.handler = handler } }

    /// The node at the other end; nil once the connection is over.
    var peerNode: Int? { state.withLock { $0.peer }?.node }

    /// Whether nothing can come of it any more.
    var isOver: Bool { state.withLock { $0.isEnded || $0.isSilent } }

    package func send(_ segments: [Segment]) {
        let starts = state.withLock { state in
            guard !state.isEnded else { return false }
            for segment in segments { VirtualLink.append(segment, to: &state.outgoing) }
            defer { state.isFlushing = true }
            return !state.isFlushing
        }
        if starts { loop.atEndOfRound { [self] in flush() } }
    }

    package var queuedBytes: Int { state.withLock { $0.outgoing.count } }

    package func setReading(_ isReading: Bool) {
        state.withLock { $0.isReading = isReading }
        if isReading { loop.execute { [weak self] in self?.handOver() } }
    }

    package func setFrameLimit(bytes: Int) {
        state.withLock { if $0.frameLimitBytes != nil { $0.frameLimitBytes = bytes } }
    }

    package func close() {
        loop.execute { [weak self] in
            self?.flush()
            self?.transmit(.end(.closed))
            self?.end(.closed)
        }
    }

    package func reset() {
        loop.execute { [weak self] in
            self?.transmit(.end(.reset))
            self?.end(.closed)
        }
    }

    /// The process of this end is gone: the other end notices.
    package func crash() { transmit(.end(.reset)) }

    /// The machine of this end is gone: the other end hears nothing.
    func goSilent() {
        state.withLock { state in
            state.isSilent = true
            state.handler = nil
        }
    }

    /// The connection is broken for both ends.
    func breakDown() {
        let peer = state.withLock { $0.peer }
        for link in [self, peer].compactMap({ $0 }) { link.loop.execute { [weak link] in link?.end(.reset) } }
    }

    private static func append(_ segment: Segment, to outgoing: inout [UInt8]) {
        switch segment {
        case .bytes(let bytes): unsafe bytes.withUnsafeBytes { unsafe outgoing.append(contentsOf: $0) }
        case .file(let file, let position, let count):
            let buffer = Bytes(MemoryRegion(count: count), start: 0, count: count)
            guard let got = try? file.read(into: buffer, at: position), got == count else { return }
            unsafe buffer.withUnsafeBytes { unsafe outgoing.append(contentsOf: $0) }
        }
    }

    private func flush() {
        let bytes = state.withLock { state in
            state.isFlushing = false
            defer { state.outgoing = [] }
            return state.outgoing
        }
        if !bytes.isEmpty { transmit(.bytes(bytes)) }
        if bytes.count > LinkQueue.highBytes { state.withLock { $0.handler }?.queueDrained() }
    }

    private func transmit(_ piece: Piece) {
        guard let peer = state.withLock({ $0.isSilent ? nil : $0.peer }) else { return }
        if case .bytes = piece { network.bytesLeave(node) }
        onTheWay.withLock { $0.append(piece) }
        // The connection keeps itself alive until what is on its way has arrived.
        network.deliver(from: node, to: peer.node) { [self] in
            let first = onTheWay.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let first { peer.receive(first) }
        }
    }

    /// What arrives at a machine that lost power is lost; one that is on again says that it knows of no connection.
    private func receive(_ piece: Piece) {
        guard state.withLock({ $0.isSilent }) else {
            if case .bytes(let bytes) = piece {
                let sum = unsafe bytes.withUnsafeBytes { unsafe CRC32C.checksum($0) }
                network.time.note(UInt64(sum))
            }
            return round { [self] in arrived(piece) }
        }
        guard !network.isDark(node), let peer = state.withLock({ $0.peer }) else { return }
        network.deliver(from: node, to: peer.node) { peer.loop.execute { peer.end(.reset) } }
    }

    /// What arrives is a round of the loop by itself: no event more than the delivery is.
    private func round(_ work: @escaping @Sendable () -> Void) {
        if let virtualLoop { virtualLoop.runRound(work) } else { loop.execute(work) }
    }

    private func arrived(_ piece: Piece) {
        switch piece {
        case .bytes(let bytes):
            state.withLock { $0.arrived(bytes) }
            handOver()
        case .end(let reason): end(reason)
        }
    }

    private func handOver() {
        var isAny = false
        while let (frame, handler) = nextFrame() {
            isAny = true
            handler.frameReceived(frame)
        }
        if isAny { state.withLock { $0.handler }?.roundReceived() }
    }

    private func nextFrame() -> (Bytes, any LinkHandler)? {
        let isBad: Bool = state.withLock { state in
            guard let frameLimitBytes = state.frameLimitBytes, let length = state.nextLength, !state.isEnded else {
                return false
            }
            return length < 0 || length > frameLimitBytes
        }
        if isBad {
            transmit(.end(.closed))
            end(.badFrame)
            return nil
        }
        return state.withLock { state in
            guard state.isReading, !state.isEnded, let handler = state.handler else { return nil }
            if state.frameLimitBytes == nil {
                let count = state.incoming.count - state.taken
                return count == 0 ? nil : (state.take(count, behind: 0), handler)
            }
            guard let length = state.nextLength, state.incoming.count - state.taken >= 4 + length else { return nil }
            return (state.take(length, behind: 4), handler)
        }
    }

    private func end(_ reason: LinkEnd) {
        let handler: (any LinkHandler)? = state.withLock { state in
            guard !state.isEnded else { return nil }
            state.isEnded = true
            state.peer = nil
            defer { state.handler = nil }
            return state.handler
        }
        handler?.linkEnded(reason)
    }
}
