import BrokerServer
import Glibc

/// What the system says of this process, under the names that Prometheus' own client libraries use.
struct ProcessMetrics: MetricsSource {
    /// Seconds since 1970.
    private let startedAt: Double

    init() {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        startedAt = Double(now.tv_sec) + Double(now.tv_nsec) / 1_000_000_000
    }

    func report(into page: inout MetricsPage) {
        page.gauge(
            "process_start_time_seconds", "Start of the process, in seconds since 1970.", real: startedAt)
        page.gauge(
            "martlet_build_info", "1; the labels say what runs.", 1,
            [("version", Build.version), ("kafka", Build.kafkaVersion)])
        reportTimes(into: &page)
        reportMemory(into: &page)
        reportFiles(into: &page)
    }

    private func reportTimes(into page: inout MetricsPage) {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        page.counter(
            "process_cpu_seconds_total", "Time of processors that the process used.",
            seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }

    private func reportMemory(into page: inout MetricsPage) {
        let pages = Self.content(of: "/proc/self/statm").split(separator: " ").compactMap { Int64($0) }
        guard pages.count > 1 else { return }
        let pageBytes = Int64(sysconf(Int32(_SC_PAGESIZE)))
        page.gauge("process_virtual_memory_bytes", "Address space of the process.", pages[0] * pageBytes)
        page.gauge("process_resident_memory_bytes", "Memory that the process holds.", pages[1] * pageBytes)
    }

    private func reportFiles(into page: inout MetricsPage) {
        if let count = Self.openFiles() { page.gauge("process_open_fds", "Files and sockets that are open.", count) }
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        page.gauge("process_max_fds", "How many may be open.", limit.rlim_cur)
    }

    private static func openFiles() -> Int? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(directory) }
        var count = 0
        while let entry = unsafe readdir(directory) {
            let first = unsafe entry.pointee.d_name.0
            if first != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
        }
        // The look itself holds one.
        return count - 1
    }

    private static func content(of path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { _ = close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let got = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: buffer.prefix(max(got, 0)), as: UTF8.self)
    }
}
