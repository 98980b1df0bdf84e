/// What the system is asked for each socket.
package struct SocketOptions: Hashable, Sendable {
    /// Bytes of the buffer for what goes; nil leaves it to the system.
    package var sendBytes: Int?
    /// Bytes of the buffer for what comes, on connections that came in.
    package var receiveBytes: Int?
    /// The same on connections that this process opened.
    package var ownReceiveBytes: Int?
    /// How long what this process sent on connections that it opened may stay unacknowledged; nil leaves it to the
    /// system, which waits for a quarter of an hour.
    package var ownUserTimeoutMilliseconds: Int?
    /// Connections that wait to be accepted.
    package var backlog: Int32 = 1_024

    package init() {}
}
