import Glibc
import NIOCore
import NIOPosix

/// One connection from a node to another, in two halves.
///
/// `@unchecked Sendable`: all its state is touched on the loop of its near half only; `lookAgain` and `reset` go there
/// first.
final class LinkConnection: @unchecked Sendable {
    /// What was read on one half and not yet written to the other.
    private struct Stream {
        var pieces: [(due: NIODeadline, bytes: ByteBuffer)] = []
        var byteCount = 0
        /// The half that this was read from has ended.
        var hasEnded = false
        var isWoken = false
        /// What was handed on last: whether it is written yet.
        var written: EventLoopFuture<Void>?
        /// When the link is free for the next piece, where bytes for each second are bounded.
        var freeAt = NIODeadline.now()
    }

    /// How much is held for one direction before we stop reading, as a full socket buffer would.
    private static let heldBytesMax = 1 << 20

    private let near: any Channel
    private var far: (any Channel)?
    private var isConnecting = false
    private var isOver = false
    private let targetPort: Int
    private let source: Int?
    private let target: Int
    private let channel: LinkRule.Channel
    private let proxy: LinkProxy
    private var outward = Stream()
    private var inward = Stream()

    init(
        near: any Channel, target port: Int, to target: Int, _ channel: LinkRule.Channel, _ proxy: LinkProxy,
        source: Int?
    ) {
        self.near = near
        targetPort = port
        self.target = target
        self.channel = channel
        self.proxy = proxy
        self.source = source
    }

    private func rule(isOutward: Bool) -> LinkRule {
        isOutward
            ? proxy.rule(from: source, to: target, channel) : proxy.rule(from: target, to: source, channel)
    }

    /// The near half is there: connect the other, if anything gets there.
    func begin() {
        guard far == nil, !isConnecting, !isOver else { return }
        guard !rule(isOutward: true).isCut, !rule(isOutward: false).isCut else { return }
        isConnecting = true
        ClientBootstrap(group: near.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LinkEar(self, isNear: false))
                }
            }
            .connect(host: "127.0.0.1", port: targetPort)
            .whenComplete { [self] result in
                switch result {
                case .success(let channel):
                    far = channel
                    if isOver { return channel.close(promise: nil) }
                    near.read()
                    channel.read()
                    pump(isOutward: true)
                case .failure: resetNow()
                }
            }
    }

    func took(_ bytes: ByteBuffer, isNear: Bool) {
        let rule = rule(isOutward: isNear)
        var delay = rule.delayMilliseconds
        if rule.jitterMilliseconds > 0 { delay += Int64.random(in: 0...rule.jitterMilliseconds) }
        if rule.lostPerThousand > 0, Int64.random(in: 0..<1_000) < rule.lostPerThousand {
            delay += LinkRule.resendMilliseconds
        }
        change(isNear) { stream in
            // Bytes never overtake each other.
            var due = NIODeadline.now() + .milliseconds(delay)
            if let last = stream.pieces.last, last.due > due { due = last.due }
            stream.pieces.append((due, bytes))
            stream.byteCount += bytes.readableBytes
        }
        pump(isOutward: isNear)
    }

    func ended(isNear: Bool) {
        change(isNear) { $0.hasEnded = true }
        pump(isOutward: isNear)
    }

    private func change(_ isOutward: Bool, _ body: (inout Stream) -> Void) {
        if isOutward { body(&outward) } else { body(&inward) }
    }

    /// Moves on what is due.
    private func pump(isOutward: Bool) {
        begin()
        guard !isOver, let far else {
            if !isOver, far == nil, outward.hasEnded, !isConnecting { over() }
            return
        }
        let rule = rule(isOutward: isOutward)
        if rule.isCut { return }
        let (from, to) = isOutward ? (near, far) : (far, near)
        let now = NIODeadline.now()
        var stream = isOutward ? outward : inward
        var wait: TimeAmount?
        var moved = 0
        for piece in stream.pieces {
            let due = max(piece.due, stream.freeAt)
            guard due <= now else {
                wait = due - now
                break
            }
            if let rate = rule.bytesPerSecond {
                stream.freeAt =
                    max(now, stream.freeAt) + .microseconds(Int64(piece.bytes.readableBytes) * 1_000_000 / rate)
            }
            stream.written = to.writeAndFlush(piece.bytes)
            stream.byteCount -= piece.bytes.readableBytes
            moved += 1
        }
        stream.pieces.removeFirst(moved)
        let isDone = stream.hasEnded && stream.pieces.isEmpty
        if let wait, !stream.isWoken {
            stream.isWoken = true
            near.eventLoop.scheduleTask(in: wait) { [self] in
                change(isOutward) { $0.isWoken = false }
                pump(isOutward: isOutward)
            }
        }
        let readsOn = stream.byteCount < LinkConnection.heldBytesMax
        change(isOutward) { $0 = stream }
        if isDone {
            // A receiver that is slow gets the rest before the end.
            if let written = stream.written { written.whenComplete { [self] _ in over() } } else { over() }
        } else if readsOn {
            from.read()
        }
    }

    private func over() {
        guard !isOver else { return }
        isOver = true
        near.close(promise: nil)
        far?.close(promise: nil)
        proxy.remove(self)
    }

    private func resetNow() {
        guard !isOver else { return }
        for channel in [near, far].compactMap(\.self) {
            guard let socket = channel as? any SocketOptionProvider else {
                channel.close(promise: nil)
                continue
            }
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
        }
        isOver = true
        proxy.remove(self)
    }

    /// The rules have changed.
    func lookAgain() {
        near.eventLoop.execute { [self] in
            pump(isOutward: true)
            pump(isOutward: false)
        }
    }

    /// Ends both halves with a reset.
    func reset() { near.eventLoop.execute { [self] in resetNow() } }

    /// The same; nothing of it begins anything on its loop afterwards.
    func resetAndWait() async { try? await near.eventLoop.submit { [self] in resetNow() }.get() }
}

/// Hears what arrives on one half of a connection.
///
/// `@unchecked Sendable`: it is used on its channel's loop only.
final class LinkEar: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private let connection: LinkConnection
    private let isNear: Bool

    init(_ connection: LinkConnection, isNear: Bool) {
        self.connection = connection
        self.isNear = isNear
    }

    func channelActive(context: ChannelHandlerContext) {
        if isNear { connection.begin() }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.took(unwrapInboundIn(data), isNear: isNear)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.ended(isNear: isNear)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
