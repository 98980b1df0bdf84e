import Glibc
import NIOCore
import Primitives
import World

/// One live connection: cuts what arrives into frames and sends what a round has queued in one piece.
///
/// It reads and writes its socket itself, when the loop says that there is something to read or room to write: no
/// future, task or promise is on the way of a frame.
///
/// `@unchecked Sendable`: all its state is touched on its loop only; `close` goes there first.
final class NetworkLink: Link, PolledSocket, @unchecked Sendable {
    let networkLoop: NetworkLoop
    let remote: Endpoint
    let local: Endpoint

    private let buffers: ReceiveBuffers
    private var cutter: FrameCutter
    private var watch = FrameWatch()
    private var lowWater = LowWater()
    private var outgoing = OutgoingSegments()
    private var handler: (any LinkHandler)?
    private var isReading = true
    private var isCutting = false
    private var isSendScheduled = false
    /// Nil once it is closed.
    private var socket: Int32?
    private var place: Poller.Place?
    /// What the loop waits for.
    private var awaited: Readiness = []
    /// The socket has not taken all of it: what comes waits until there is room.
    private var isBlocked = false
    /// More than counts as congestion was queued, and the handler has not been told that it has drained.
    private var isCongested = false
    /// What the handler was last told.
    private var toldPartialBytes = 0
    /// Set when the node's side, or a bad frame, has ended the link: nothing more is taken in or queued.
    private var end: LinkEnd?

    /// Takes over a connected socket that does not block, and that is not paced (`SameMachine.stopPacing`).
    ///
    /// - Parameter frameLimitBytes: nil for a link without frames.
    init(socket: Int32, loop: NetworkLoop, frameLimitBytes: Int?) {
        self.socket = socket
        networkLoop = loop
        buffers = ReceiveBuffers(spares: loop.spareBuffers)
        remote = SocketAddresses.remote(of: socket)
        local = SocketAddresses.local(of: socket)
        cutter = FrameCutter(frameLimitBytes: frameLimitBytes)
        SocketOption.setNoDelay(of: socket)
        if !SameMachine.joins(local, remote) { SameMachine.pace(socket) }
    }

    deinit { if let socket { _ = Glibc.close(socket) } }

    var loop: any Loop { networkLoop }

    /// Names who gets the frames, and begins to read.
    func begin(_ handler: any LinkHandler) {
        self.handler = handler
        guard let socket, end == nil else { return tellEnd() }
        awaited = isReading ? .readable : []
        place = networkLoop.poller.add(socket, self, awaited)
        if place == nil { finish(.reset) }
    }

    // MARK: Sending

    var queuedBytes: Int { outgoing.count }

    func send(_ segments: [Segment]) {
        if end != nil { return }
        do { try outgoing.append(segments) } catch {
            // Half a response can't be taken back: the stream ends here.
            return finish(.reset)
        }
        if outgoing.count > LinkQueue.highBytes { isCongested = true }
        if !isSendScheduled && !outgoing.isEmpty {
            isSendScheduled = true
            networkLoop.sendAtEndOfRound(self)
        }
    }

    /// Hands what is queued to the socket: the loop calls it at the end of the round.
    func sendQueued() {
        isSendScheduled = false
        if isBlocked || outgoing.isEmpty { return }
        write()
    }

    private func write() {
        guard let socket else { return }
        // Bytes and file ranges leave in calls of their own: the peer is woken once, when all of them are there.
        let isGathered = outgoing.hasFileRanges
        if isGathered { SocketOption.setCork(true, of: socket) }
        let isWhole = outgoing.send(to: socket)
        if isGathered { SocketOption.setCork(false, of: socket) }
        guard isWhole else { return finish(.reset) }
        if isBlocked == outgoing.isEmpty {
            isBlocked = !outgoing.isEmpty
            waitAnew()
        }
        if isCongested, outgoing.count < LinkQueue.lowBytes {
            isCongested = false
            if end == nil { handler?.queueDrained() }
        }
        if end != nil, outgoing.isEmpty { finish(.closed) }
    }

    /// Waits for what is wanted now, where that has changed.
    private func waitAnew() {
        guard let socket, let place else { return }
        var wanted: Readiness = isBlocked ? .writable : []
        if isReading, end == nil { wanted.insert(.readable) }
        if wanted == awaited { return }
        awaited = wanted
        networkLoop.poller.change(place, of: socket, to: wanted)
    }

    /// What the system calls the socket's congestion control; nil where there is no socket.
    var congestionControl: String? { socket.flatMap { SameMachine.congestionControl(of: $0) } }

    // MARK: Receiving

    func setFrameLimit(bytes: Int) { cutter.setFrameLimit(bytes: bytes) }

    func setReading(_ isReading: Bool) {
        if self.isReading == isReading || end != nil { return }
        self.isReading = isReading
        waitAnew()
        // Frames that were read before the pause come first; not from within the caller's frame.
        if isReading && !isCutting && cutter.hasFrames {
            networkLoop.execute { self.continueCutting() }
        }
    }

    private func continueCutting() {
        if end != nil || !isReading { return }
        cutFrames()
        handler?.roundReceived()
    }

    func ready(_ readiness: Readiness) {
        if readiness.contains(.writable), isBlocked { write() }
        // What came before a connection broke is read first.
        if readiness.contains(.readable), isReading, end == nil { return read() }
        if readiness.contains(.broken) { finish(end ?? .reset) }
    }

    /// One read a round, so that no connection holds up the others.
    private func read() {
        guard let socket else { return }
        var buffer = buffers.buffer()
        var (got, failure): (Int, Int32) = (0, 0)
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { memory in
            repeat {
                got = unsafe recv(socket, memory.baseAddress, memory.count, 0)
                failure = errno
            } while got < 0 && failure == EINTR
            return max(got, 0)
        }
        guard got > 0 else {
            buffers.giveBack(buffer)
            if got < 0, failure == EAGAIN || failure == EWOULDBLOCK { return }
            return finish(got == 0 ? .closed : .reset)
        }
        buffers.record(actualReadBytes: got)
        cutter.take(buffer)
        // The cutter has it alone: what it was read into is written again as soon as nobody has a frame of it.
        buffer = ByteBuffer()
        cutFrames()
        handler?.roundReceived()
    }

    private func cutFrames() {
        isCutting = true
        defer {
            isCutting = false
            if let socket { lowWater.set(LowWater.bytes(missing: cutter.missingBytes), of: socket) }
            tellPartialBytes()
        }
        while isReading, end == nil {
            switch cutter.next() {
            case .frame(let frame): handler?.frameReceived(frame)
            case .incomplete: return keepRest()
            case .bad: return finish(.badFrame)
            }
        }
    }

    private func tellPartialBytes() {
        let bytes = cutter.startedBytes > 0 ? buffers.keptBytes : cutter.unreadBytes
        if bytes == toldPartialBytes || end != nil { return }
        toldPartialBytes = bytes
        handler?.partialBytesChanged(to: bytes)
    }

    private func keepRest() {
        cutter.keepRest(in: buffers)
        if watch.begin(cutter) { watchFrame() }
    }

    /// Ends a link whose peer started a frame and does not go on with it.
    private func watchFrame() {
        networkLoop.schedule(afterMilliseconds: FrameWatch.intervalMilliseconds) { [weak self] in
            guard let self, self.end == nil else { return }
            let unread = self.socket.map { self.lowWater.unreadBytes(of: $0) } ?? 0
            switch self.watch.check(self.cutter, unread: unread, isReading: self.isReading) {
            case .finished: return
            case .moving: self.watchFrame()
            case .stalled: self.finish(.badFrame)
            }
        }
    }

    // MARK: Life

    func close() {
        networkLoop.isCurrent ? closeOrderly() : networkLoop.execute { self.closeOrderly() }
    }

    func reset() {
        networkLoop.isCurrent ? finish(.closed) : networkLoop.execute { self.finish(.closed) }
    }

    /// Longest time that a closing link waits for its peer to take what is queued.
    private static let closeTimeoutMilliseconds: Int64 = 5_000

    private func closeOrderly() {
        guard end == nil else { return }
        end = .closed
        if outgoing.isEmpty { return finish(.closed) }
        waitAnew()
        if !isBlocked { write() }
        if socket == nil { return }
        networkLoop.schedule(afterMilliseconds: NetworkLink.closeTimeoutMilliseconds) { self.finish(.closed) }
    }

    func loopEnded() { finish(.closed) }

    /// Ends the link at once, with whatever is queued; the handler hears of it as its last call.
    private func finish(_ reason: LinkEnd) {
        if end == nil { end = reason }
        guard let socket else { return }
        if let place { networkLoop.poller.remove(place, of: socket) }
        (self.socket, place) = (nil, nil)
        _ = Glibc.close(socket)
        outgoing.removeAll()
        tellEnd()
    }

    /// Not from within the call in which the handler, or somebody who holds a lock, has ended it.
    private func tellEnd() {
        guard let handler else { return }
        self.handler = nil
        let end = end ?? .closed
        networkLoop.atEndOfRound { handler.linkEnded(end) }
    }
}
