import Glibc

/// Finds out whose socket a local connection comes from: nodes on one machine have one address.
package enum SocketOwner {
    /// The first of these processes that holds the other end of a connection from `remotePort` to `localPort`.
    package static func find(
        among processes: [(node: Int, processID: Int32)], from remotePort: Int, to localPort: Int
    ) -> Int? {
        guard let inode = SocketDiagnosis.inode(from: remotePort, to: localPort) else { return nil }
        return processes.first { holds($0.processID, inode) }?.node
    }

    private static func holds(_ processID: Int32, _ inode: UInt32) -> Bool {
        guard let directory = unsafe opendir("/proc/\(processID)/fd") else { return false }
        defer { unsafe closedir(directory) }
        let folder = unsafe dirfd(directory)
        let wanted = Array("socket:[\(inode)]".utf8)
        var target = [UInt8](repeating: 0, count: 64)
        while let entry = unsafe readdir(directory) {
            let count = unsafe target.withUnsafeMutableBytes { bytes in
                guard let start = bytes.baseAddress else { return -1 }
                return unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                        unsafe readlinkat(folder, name, start.assumingMemoryBound(to: CChar.self), bytes.count)
                    }
                }
            }
            if count == wanted.count, target.starts(with: wanted) { return true }
        }
        return false
    }
}
