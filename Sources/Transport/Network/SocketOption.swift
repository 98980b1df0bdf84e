import Glibc

/// Options of one socket. One that can't be set makes a connection slower, no more.
enum SocketOption {
    /// Sends what there is at once, without waiting for a full packet.
    static func setNoDelay(of socket: Int32) { set(TCP_NODELAY, to: 1, at: Int32(IPPROTO_TCP), of: socket) }

    /// Holds back, or lets go, what fills no packet.
    static func setCork(_ isCorked: Bool, of socket: Int32) {
        set(TCP_CORK, to: isCorked ? 1 : 0, at: Int32(IPPROTO_TCP), of: socket)
    }

    /// The system's buffers; nil leaves one as it is.
    static func setBuffers(sendBytes: Int?, receiveBytes: Int?, of socket: Int32) {
        if let sendBytes { set(SO_SNDBUF, to: Int32(clamping: sendBytes), at: SOL_SOCKET, of: socket) }
        if let receiveBytes { set(SO_RCVBUF, to: Int32(clamping: receiveBytes), at: SOL_SOCKET, of: socket) }
    }

    /// How long what was sent may stay unacknowledged.
    static func setUserTimeout(milliseconds: Int, of socket: Int32) {
        set(Int32(TCP_USER_TIMEOUT), to: Int32(clamping: milliseconds), at: Int32(IPPROTO_TCP), of: socket)
    }

    /// What became of a connection that was begun: 0, or the error number.
    static func takeError(of socket: Int32) -> Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno
    }

    private static func set(_ name: Int32, to value: Int32, at level: Int32, of socket: Int32) {
        var value = value
        _ = unsafe setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
