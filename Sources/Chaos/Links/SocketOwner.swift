import Glibc

/// Finds out whose socket a local connection comes from, as `/proc` shows it: nodes on one machine have one address.
package enum SocketOwner {
    /// The first of these processes that holds the other end of a connection from `remotePort` to `localPort`.
    static func find(
        among processes: [(node: Int, processID: Int32)], from remotePort: Int, to localPort: Int
    ) -> Int? {
        guard let table = content("/proc/net/tcp"), let inode = inode(in: table, from: remotePort, to: localPort) else {
            return nil
        }
        return processes.first { holds($0.processID, inode) }?.node
    }

    /// The inode of the socket at `localPort` that is connected to `remotePort`; `table` is `/proc/net/tcp`. It has
    /// thousands of lines on a busy machine, so only the one that matters is taken apart.
    package static func inode(in table: [UInt8], from localPort: Int, to remotePort: Int) -> String? {
        let wanted = "0100007F:\(hexadecimal(localPort)) 0100007F:\(hexadecimal(remotePort)) "
        let text = (table + [0]).map { CChar(bitPattern: $0) }
        let place: Int? = unsafe text.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress, let found = unsafe strstr(start, wanted) else { return nil }
            return unsafe UnsafePointer(found) - start
        }
        guard let place else { return nil }
        let words = table[(place + wanted.utf8.count)...].prefix { $0 != UInt8(ascii: "\n") }
            .split(separator: UInt8(ascii: " "))
        return words.count > 6 ? String(decoding: words[6], as: UTF8.self) : nil
    }

    /// Four digits, as the table has them.
    private static func hexadecimal(_ port: Int) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
    }

    private static func holds(_ processID: Int32, _ inode: String) -> Bool {
        let folder = "/proc/\(processID)/fd"
        guard let directory = unsafe opendir(folder) else { return false }
        defer { unsafe closedir(directory) }
        let wanted = "socket:[\(inode)]"
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            var target = [UInt8](repeating: 0, count: 128)
            let count = unsafe target.withUnsafeMutableBytes { bytes in
                guard let start = bytes.baseAddress else { return -1 }
                return unsafe readlink("\(folder)/\(name)", start.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            if count > 0, String(decoding: target[..<count], as: UTF8.self) == wanted { return true }
        }
        return false
    }

    private static func content(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard got > 0 else { break }
            content += piece[..<got]
        }
        return content
    }
}
