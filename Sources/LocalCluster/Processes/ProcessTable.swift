import Glibc

/// The processes of this machine, as `/proc` shows them, and signals to them.
package enum ProcessTable {
    /// What a process is doing.
    package enum Activity: Hashable, Sendable {
        case running
        /// Stopped by SIGSTOP.
        case paused
        /// There is none, it has ended, or the number belongs to another process by now.
        case gone
    }

    /// The identity of a running process; nil if there is none of this number.
    package static func identity(of processID: Int32) -> ProcessIdentity? {
        guard let entry = entry(of: processID), entry.activity != .gone else { return nil }
        return ProcessIdentity(processID: processID, startTicks: entry.startTicks, boot: boot)
    }

    /// What `process` is doing now.
    package static func activity(of process: ProcessIdentity) -> Activity {
        guard process.boot == boot, let entry = entry(of: process.processID), entry.startTicks == process.startTicks
        else { return .gone }
        return entry.activity
    }

    /// Sends a signal to `process`, and to no other that got its number; false if it is gone.
    @discardableResult
    package static func signal(_ process: ProcessIdentity, _ number: Int32) -> Bool {
        guard activity(of: process) != .gone else { return false }
        return kill(process.processID, number) == 0
    }

    /// The text of a small file; `/proc` files have no length of their own.
    static func smallFile(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while content.count < 1 << 20 {
            let got = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard got > 0 else { break }
            content += piece[..<got]
        }
        return String(decoding: content, as: UTF8.self)
    }

    private static let boot = (smallFile("/proc/sys/kernel/random/boot_id") ?? "unknown").filter { $0 != "\n" }

    private static func entry(of processID: Int32) -> (startTicks: UInt64, activity: Activity)? {
        smallFile("/proc/\(processID)/stat").flatMap(parsed)
    }

    /// Reads a line of `/proc/N/stat`: the name in parentheses may hold anything, so fields count from its end.
    package static func parsed(_ line: String) -> (startTicks: UInt64, activity: Activity)? {
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
        switch fields[0] {
        case "Z", "X", "x": return (ticks, .gone)
        case "T", "t": return (ticks, .paused)
        default: return (ticks, .running)
        }
    }
}
