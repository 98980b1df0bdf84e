import World

/// TCP, as a node sees it.
final class LiveNetwork: Network {
    private let options: SocketOptions

    init(options: SocketOptions) { self.options = options }

    func listen(
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: frameLimitBytes, accept)
    }

    func listenUnframed(
        at endpoint: Endpoint, on loops: LoopGroup, accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: nil, accept)
    }

    private func open(
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int?,
        _ accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        let options = options
        let listening = try ListeningSocket(at: endpoint, backlog: options.backlog)
        return LiveListener(listening, loops: loops) { socket, loop in
            SocketOption.setBuffers(sendBytes: options.sendBytes, receiveBytes: options.receiveBytes, of: socket)
            let link = NetworkLink(socket: socket, loop: loop, frameLimitBytes: frameLimitBytes)
            // A link that nobody wants is closed as it goes.
            if let handler = accept(link) { link.begin(handler) }
        }
    }

    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        let loop = LiveNetwork.own(loop)
        let options = options
        let begin: @Sendable () -> Void = {
            let dialling = Dialling(to: endpoint, on: loop) { socket in
                SocketOption.setBuffers(
                    sendBytes: options.sendBytes, receiveBytes: options.ownReceiveBytes, of: socket)
                if let timeout = options.ownUserTimeoutMilliseconds {
                    SocketOption.setUserTimeout(milliseconds: timeout, of: socket)
                }
            } whenOver: { result in
                switch result {
                case .failure(let error): completion(.failure(error))
                case .success(let socket):
                    let link = NetworkLink(socket: socket, loop: loop, frameLimitBytes: frameLimitBytes)
                    // Nothing is read before the link has been handed over.
                    completion(.success(link))
                    link.begin(handler)
                }
            }
            dialling.begin(timeoutMilliseconds: timeoutMilliseconds)
        }
        loop.isCurrent ? begin() : loop.execute(begin)
    }

    static func own(_ loop: any Loop) -> NetworkLoop {
        guard let own = loop as? NetworkLoop else { preconditionFailure("live links live on live loops") }
        return own
    }
}
