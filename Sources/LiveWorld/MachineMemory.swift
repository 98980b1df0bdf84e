import Glibc

/// The memory that this process may use.
package enum MachineMemory {
    /// What the machine has, or the container where that is less (control groups, version 2, then 1).
    package static var bytes: Int64 {
        let machine = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap(number)
        return limits.reduce(machine, min)
    }

    /// The number in a file of the kernel, whose size is not known before it is read.
    private static func number(_ path: String) -> Int64? {
        guard let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard unsafe fgets(&line, Int32(line.count), file) != nil else { return nil }
        let digits = line.prefix { (48...57).contains($0) }.map { UInt8(bitPattern: $0) }
        return Int64(String(decoding: digits, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
    }
}
