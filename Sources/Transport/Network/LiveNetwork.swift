import Glibc
import NIOCore
import NIOPosix
import Primitives
import World

/// TCP, as a node sees it.
final class LiveNetwork: Network {
    private let dataGroup: MultiThreadedEventLoopGroup
    private let dataLoops: [NetworkLoop]
    private let options: SocketOptions

    /// - Parameter dataLoops: The loops of `dataGroup`.
    init(dataGroup: MultiThreadedEventLoopGroup, dataLoops: [NetworkLoop], options: SocketOptions) {
        self.options = options
        self.dataGroup = dataGroup
        self.dataLoops = dataLoops
    }

    /// SwiftNIO spreads connections over one of its own groups, in turn: all data loops, or one loop.
    private func group(of loops: [any Loop]) -> any EventLoopGroup {
        if loops.count == 1 { return LiveNetwork.own(loops[0]).eventLoop }
        precondition(loops.count == dataLoops.count, "connections live on one loop or are spread over all data loops")
        return dataGroup
    }

    func listen(
        at endpoint: Endpoint, on loops: [any Loop], frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: frameLimitBytes, accept)
    }

    func listenUnframed(
        at endpoint: Endpoint, on loops: [any Loop], accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: nil, accept)
    }

    private func open(
        at endpoint: Endpoint, on loops: [any Loop], frameLimitBytes: Int?,
        _ accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        let socket = try ListeningSocket(at: endpoint, backlog: options.backlog)
        let options = options
        let bootstrap = ServerBootstrap(group: LiveNetwork.own(loops[0]).eventLoop, childGroup: group(of: loops))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let link = try LiveNetwork.adopt(channel, frameLimitBytes: frameLimitBytes)
                    try LiveNetwork.setBuffers(of: channel, options.sendBytes, options.receiveBytes)
                    guard let handler = accept(link) else { throw ChannelError.ioOnClosedChannel }
                    link.install(handler)
                    try channel.pipeline.syncOperations.addHandler(link)
                }
            }
        // The socket listens already: connections wait in its backlog until the loop has it.
        return LiveListener(port: socket.port, channel: bootstrap.withBoundSocket(socket.descriptor))
    }

    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        let eventLoop = LiveNetwork.own(loop).eventLoop
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.milliseconds(timeoutMilliseconds))
            // Nothing is read before the link has been handed over.
            .channelOption(.autoRead, value: false)
        let resolver = HostResolver(.shared, on: eventLoop)
        let connected: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
            connected = bootstrap.connect(to: address)
        } else {
            connected = bootstrap.resolver(resolver).connect(host: endpoint.host, port: endpoint.port)
        }
        let options = options
        connected.whenComplete { result in
            switch result {
            case .failure(let error):
                completion(.failure(ConnectError(error, endpoint, isRemembered: resolver.hasRemembered)))
            case .success(let channel):
                try? LiveNetwork.setBuffers(of: channel, options.sendBytes, options.ownReceiveBytes)
                if let timeout = options.ownUserTimeoutMilliseconds {
                    try? channel.syncOptions?.setOption(
                        .tcpOption(.init(rawValue: CInt(TCP_USER_TIMEOUT))), value: timeout)
                }
                LiveNetwork.begin(channel, frameLimitBytes: frameLimitBytes, handler, completion)
            }
        }
    }

    private static func begin(
        _ channel: any Channel, frameLimitBytes: Int, _ handler: any LinkHandler,
        _ completion: @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        do {
            let link = try adopt(channel, frameLimitBytes: frameLimitBytes)
            link.install(handler)
            try channel.pipeline.syncOperations.addHandler(link)
            completion(.success(link))
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            channel.close(promise: nil)
            completion(.failure(.unreachable(reason: "\(error)")))
        }
    }

    /// Sets a new channel up as a link; on its loop.
    private static func adopt(_ channel: any Channel, frameLimitBytes: Int?) throws -> NetworkLink {
        guard let loop = NetworkLoop.onThisThread, let options = channel.syncOptions else {
            preconditionFailure("a channel lives on one of the node's loops")
        }
        let buffers = ReceiveBuffers(spares: loop.spareBuffers)
        // One read a round for each connection, so that none holds up the others; and no pool of old buffers.
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: buffers)
        try options.setOption(
            .writeBufferWaterMark,
            value: ChannelOptions.Types.WriteBufferWaterMark(
                low: LinkQueue.lowBytes, high: LinkQueue.highBytes))
        try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        return NetworkLink(channel: channel, loop: loop, buffers: buffers, frameLimitBytes: frameLimitBytes)
    }

    private static func setBuffers(of channel: any Channel, _ sendBytes: Int?, _ receiveBytes: Int?) throws {
        let options = channel.syncOptions
        if let sendBytes { try options?.setOption(.socketOption(.so_sndbuf), value: sendBytes) }
        if let receiveBytes { try options?.setOption(.socketOption(.so_rcvbuf), value: receiveBytes) }
    }

    private static func own(_ loop: any Loop) -> NetworkLoop {
        guard let own = loop as? NetworkLoop else { preconditionFailure("live links live on live loops") }
        return own
    }
}

/// An open listening socket of the live network.
final class LiveListener: Listener {
    let port: Int
    private let channel: EventLoopFuture<any Channel>

    init(port: Int, channel: EventLoopFuture<any Channel>) {
        self.port = port
        self.channel = channel
    }

    func close() { channel.whenSuccess { $0.close(promise: nil) } }
}
