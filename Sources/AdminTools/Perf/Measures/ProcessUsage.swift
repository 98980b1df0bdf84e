import Glibc

/// What processes of this machine have used: CPU time and memory.
struct ProcessUsage: Sendable {
    let processIDs: [Int32]

    /// The CPU time of all of them so far, in seconds; nil where one is gone.
    var processorSeconds: Double? {
        var sum = 0.0
        for id in processIDs {
            guard let seconds = ProcessUsage.processorSeconds(of: id) else { return nil }
            sum += seconds
        }
        return sum
    }

    /// The CPU time of each so far, in seconds; 0 for one that is gone.
    var eachProcessorSeconds: [Double] { processIDs.map { ProcessUsage.processorSeconds(of: $0) ?? 0 } }

    /// Resident memory of each, in MiB.
    var residentMebibytes: [Int] { processIDs.map { (ProcessUsage.status("VmRSS:", of: $0) ?? 0) >> 10 } }

    /// The CPU time of this process, in seconds.
    static var ownProcessorSeconds: Double { processorSeconds(of: getpid()) ?? 0 }

    private static func processorSeconds(of process: Int32) -> Double? {
        var clock = clockid_t()
        guard unsafe clock_getcpuclockid(process, &clock) == 0 else { return nil }
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// A field of `/proc/…/status`, in KiB.
    private static func status(_ field: String, of process: Int32) -> Int? {
        guard let file = unsafe fopen("/proc/\(process)/status", "r") else { return nil }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while unsafe fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(field) else { continue }
            return text.split { !$0.isNumber }.first.flatMap { Int($0) }
        }
        return nil
    }
}
