import Glibc
import LocalCluster

/// What a node's process holds of the machine.
struct NodeUsage: Hashable, Sendable {
    var residentKibibytes = 0
    var threads = 0
    var descriptors = 0

    /// Reads it from `/proc`; nil where the process is gone.
    init?(of process: ProcessIdentity) {
        guard let status = NodeUsage.text("/proc/\(process.processID)/status") else { return nil }
        for line in status.split(separator: "\n") {
            let number = line.split { !$0.isNumber }.first.flatMap { Int($0) } ?? 0
            if line.hasPrefix("VmRSS:") { residentKibibytes = number }
            if line.hasPrefix("Threads:") { threads = number }
        }
        descriptors = NodeUsage.entryCount("/proc/\(process.processID)/fd")
    }

    private static func text(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: 8_192)
        let got = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return got > 0 ? String(decoding: piece[..<got], as: UTF8.self) : nil
    }

    private static func entryCount(_ path: String) -> Int {
        guard let directory = unsafe opendir(path) else { return 0 }
        defer { unsafe closedir(directory) }
        var count = -2
        while unsafe readdir(directory) != nil { count += 1 }
        return max(count, 0)
    }

    /// What has grown beyond what a short run explains (C10): threads by a tenth and two, descriptors by a tenth and
    /// forty (segments, connections), memory by half and 64 MiB.
    func growth(since before: NodeUsage) -> String? {
        var grown: [String] = []
        if threads > before.threads * 11 / 10 + 2 { grown.append("threads \(before.threads) -> \(threads)") }
        if descriptors > before.descriptors * 11 / 10 + 40 {
            grown.append("descriptors \(before.descriptors) -> \(descriptors)")
        }
        if residentKibibytes > before.residentKibibytes * 3 / 2 + 65_536 {
            grown.append("memory \(before.residentKibibytes >> 10) -> \(residentKibibytes >> 10) MiB")
        }
        return grown.isEmpty ? nil : grown.joined(separator: ", ")
    }
}
