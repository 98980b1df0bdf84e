import Glibc
import NIOCore
import Primitives
import World

/// One live connection: cuts what arrives into frames and sends what a round has queued in one piece.
///
/// A synchronous SwiftNIO channel handler, with no future, task or promise on the way of a frame.
///
/// `@unchecked Sendable`: all its state is touched on its loop only; `close` goes there first.
final class NetworkLink: Link, ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = IOData

    let networkLoop: NetworkLoop
    let remote: Endpoint
    let local: Endpoint

    private let channel: any Channel
    private let buffers: ReceiveBuffers
    private var cutter: FrameCutter
    private var watch = FrameWatch()
    private var lowWater = LowWater()
    private var outgoing = OutgoingSegments()
    private var handler: (any LinkHandler)?
    private var context: ChannelHandlerContext?
    private var isReading = true
    private var isCutting = false
    private var isSendScheduled = false
    /// The socket while the channel is in use; nil where it has none.
    private var socket: Int32?
    /// Whether the channel may hold bytes that the socket did not take at once: nothing may overtake them.
    private var mayHaveBacklog = false
    /// What the handler was last told.
    private var toldPartialBytes = 0
    /// Set when the node's side, or a bad frame, has ended the link: nothing more is taken in or queued.
    private var end: LinkEnd?

    /// - Parameter frameLimitBytes: nil for a link without frames.
    init(channel: any Channel, loop: NetworkLoop, buffers: ReceiveBuffers, frameLimitBytes: Int?) {
        self.channel = channel
        networkLoop = loop
        self.buffers = buffers
        remote = Endpoint(channel.remoteAddress)
        local = Endpoint(channel.localAddress)
        cutter = FrameCutter(frameLimitBytes: frameLimitBytes)
    }

    var loop: any Loop { networkLoop }

    /// Names who gets the frames; before the first one arrives.
    func install(_ handler: any LinkHandler) { self.handler = handler }

    // MARK: Sending

    var queuedBytes: Int { outgoing.count + backlogBytes }

    /// Bytes that the channel holds.
    private var backlogBytes: Int {
        guard mayHaveBacklog, let held = try? channel.syncOptions?.getOption(.bufferedWritableBytes), held > 0 else {
            mayHaveBacklog = false
            return 0
        }
        return held
    }

    func send(_ segments: [Segment]) {
        if end != nil { return }
        do { try outgoing.append(segments) } catch {
            // Half a response can't be taken back: the stream ends here.
            return endNow(.reset)
        }
        if !isSendScheduled && !outgoing.isEmpty {
            isSendScheduled = true
            networkLoop.sendAtEndOfRound(self)
        }
    }

    /// Hands what is queued to the socket: the loop calls it at the end of the round.
    func sendQueued() {
        isSendScheduled = false
        guard let context, !outgoing.isEmpty else { return }
        // A link is all of its channel's pipeline. More than counts as congestion goes through the channel, which tells
        // when it has drained.
        let isDirect = outgoing.count <= LinkQueue.highBytes && backlogBytes == 0 && channel.isActive
        // Bytes and file ranges leave in calls of their own: the peer is woken once, when all of them are there.
        let isGathered = outgoing.hasFileRanges
        if isGathered { setCork(true) }
        defer { if isGathered { setCork(false) } }
        if isDirect, let socket { outgoing.send(to: socket) }
        if outgoing.isEmpty { return }
        mayHaveBacklog = true
        let drained = outgoing.drain { piece, promise in
            context.write(NetworkLink.wrapOutboundOut(piece), promise: promise)
        } makePromise: {
            context.eventLoop.makePromise()
        }
        context.flush()
        outgoing.reclaim(drained)
    }

    /// Holds back, or lets go, what fills no packet; a link that can't be corked sends more packets, no more.
    private func setCork(_ isCorked: Bool) {
        guard let socket, channel.isActive else { return }
        var value: Int32 = isCorked ? 1 : 0
        _ = unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// What the system calls the socket's congestion control; nil where there is no socket.
    var congestionControl: String? { socket.flatMap { SameMachine.congestionControl(of: $0) } }

    // MARK: Receiving

    func setFrameLimit(bytes: Int) { cutter.setFrameLimit(bytes: bytes) }

    func setReading(_ isReading: Bool) {
        if self.isReading == isReading || end != nil { return }
        self.isReading = isReading
        try? channel.syncOptions?.setOption(.autoRead, value: isReading)
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

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if buffers.hasLost { return endNow(.reset) }
        cutter.take(NetworkLink.unwrapInboundIn(data))
        cutFrames()
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
            case .bad: return endNow(.badFrame)
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

    func channelReadComplete(context: ChannelHandlerContext) { handler?.roundReceived() }

    /// Ends a link whose peer started a frame and does not go on with it.
    private func watchFrame() {
        networkLoop.schedule(afterMilliseconds: FrameWatch.intervalMilliseconds) { [weak self] in
            guard let self, self.end == nil else { return }
            let unread = self.socket.map { self.lowWater.unreadBytes(of: $0) } ?? 0
            switch self.watch.check(self.cutter, unread: unread, isReading: self.isReading) {
            case .finished: return
            case .moving: self.watchFrame()
            case .stalled: self.endNow(.badFrame)
            }
        }
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        if let socket, SameMachine.joins(local, remote) { SameMachine.stopPacing(socket) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        socket = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { handler?.queueDrained() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { endNow(.reset) }

    func channelInactive(context: ChannelHandlerContext) {
        let end = self.end ?? .closed
        self.end = end
        let handler = self.handler
        self.handler = nil
        handler?.linkEnded(end)
    }

    func close() {
        networkLoop.isCurrent ? closeOrderly() : networkLoop.execute { self.closeOrderly() }
    }

    func reset() {
        networkLoop.isCurrent ? endNow(.closed) : networkLoop.execute { self.endNow(.closed) }
    }

    /// Longest time that a closing link waits for its peer to take what is queued.
    private static let closeTimeoutMilliseconds: Int64 = 5_000

    private func closeOrderly() {
        guard end == nil else { return }
        end = .closed
        sendQueued()
        guard let context else { return }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { [channel] _ in channel.close(promise: nil) }
        context.writeAndFlush(NetworkLink.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: sent)
        networkLoop.schedule(afterMilliseconds: NetworkLink.closeTimeoutMilliseconds) { [channel] in
            channel.close(promise: nil)
        }
    }

    /// Ends the link at once; the handler hears of it as its last call.
    private func endNow(_ reason: LinkEnd) {
        if end == nil { end = reason }
        context?.close(promise: nil)
    }
}

extension Endpoint {
    /// The address of a socket; a Unix socket or none has an empty host.
    init(_ address: SocketAddress?) {
        self.init(host: address?.ipAddress ?? "", port: address?.port ?? 0)
    }
}
