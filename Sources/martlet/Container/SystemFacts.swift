import Glibc

/// What the system says of this process and its surroundings.
enum SystemFacts {
    private static let chunkBytes = 65_536

    /// The content of a file of the system, which has no size before it is read; nil if it can't be read.
    static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        while true {
            let got = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, chunkBytes) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return got == 0 ? String(decoding: content, as: UTF8.self) : nil }
            content += chunk.prefix(got)
        }
    }

    /// The environment of this process.
    static var environment: [String: String] {
        var variables: [String: String] = [:]
        for entry in (text(of: "/proc/self/environ") ?? "").split(separator: "\0") {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            variables[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        return variables
    }

    /// The name of this host; in a container the one that its network knows.
    static var hostName: String {
        let name = text(of: "/proc/sys/kernel/hostname")?.split(separator: "\n").first.map(String.init)
        return name ?? "localhost"
    }
}
