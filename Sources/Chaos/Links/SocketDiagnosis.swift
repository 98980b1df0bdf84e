import Glibc

/// One question to the kernel after the socket at one end of a local connection (sock_diag(7), inet_diag).
///
/// `/proc/net/tcp` says the same, but has to be written out and searched as a whole: on a busy machine that holds the
/// proxy up for a tenth of a second with each connection, and the nodes take each other for silent.
enum SocketDiagnosis {
    private static let questionBytes = 72
    private static let byFamily: UInt16 = 20
    private static let familyInet: UInt8 = 2
    private static let protocolTCP: UInt8 = 6
    private static let stateEstablished: UInt8 = 1
    private static let loopback: [UInt8] = [127, 0, 0, 1]
    /// From the start of an answer: the state, and the number of the inode.
    private static let statePlace = 17
    private static let inodePlace = 84

    /// The inode of the socket at `localPort` of 127.0.0.1 that is connected to `remotePort` there.
    static func inode(from localPort: Int, to remotePort: Int) -> UInt32? {
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 4)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let asked = question(localPort, remotePort)
        guard unsafe asked.withUnsafeBytes({ unsafe send(descriptor, $0.baseAddress, $0.count, 0) }) == asked.count
        else { return nil }
        var answer = [UInt8](repeating: 0, count: 1_024)
        let got = unsafe answer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        // An error has another type. Where no such connection is found, the answer may be the one that listens there.
        guard got >= inodePlace + 4, number(answer[4..<6]) == UInt32(byFamily), answer[statePlace] == stateEstablished
        else { return nil }
        let inode = number(answer[inodePlace..<inodePlace + 4])
        return inode == 0 ? nil : inode
    }

    /// struct nlmsghdr, and struct inet_diag_req_v2 behind it.
    private static func question(_ localPort: Int, _ remotePort: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        let isRequest: UInt16 = 1
        bytes += little(UInt32(questionBytes), 4) + little(UInt32(byFamily), 2) + little(UInt32(isRequest), 2)
        bytes += little(1, 4) + little(0, 4)
        bytes += [familyInet, protocolTCP, 0, 0] + little(.max, 4)
        bytes += [UInt8(localPort >> 8), UInt8(localPort & 0xFF), UInt8(remotePort >> 8), UInt8(remotePort & 0xFF)]
        let rest = [UInt8](repeating: 0, count: 12)
        bytes += loopback + rest + loopback + rest
        bytes += little(0, 4) + little(.max, 4) + little(.max, 4)
        return bytes
    }

    private static func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
