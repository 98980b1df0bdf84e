import Glibc

/// How much has to arrive on a socket before its loop is woken (SO_RCVLOWAT): the rest of a large frame is read at once
/// and not with a wake and a read for each packet or two.
///
/// The system wakes sooner where its buffer is full, and at the end of a connection.
struct LowWater {
    /// Any byte wakes.
    static let none = 1
    /// For a rest that is shorter than this a call more costs as much as a wake.
    static let missingBytesMin = 24 << 10
    /// Beyond it reading goes on beside the peer's sending.
    static let bytesMax = 256 << 10

    private var bytes = LowWater.none

    /// Bytes that have come and are not read, as there are too few of them.
    func unreadBytes(of socket: Int32) -> Int {
        if bytes == LowWater.none { return 0 }
        var count: Int32 = 0
        return unsafe ioctl(socket, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// The mark for a frame that lacks so many bytes.
    static func bytes(missing: Int) -> Int { missing < missingBytesMin ? none : min(missing, bytesMax) }

    /// A system that does not take it wakes more often, no more.
    mutating func set(_ bytes: Int, of socket: Int32) {
        if bytes == self.bytes { return }
        var value = Int32(bytes)
        let result = unsafe setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &value, socklen_t(MemoryLayout<Int32>.size))
        if result == 0 { self.bytes = bytes }
    }
}
