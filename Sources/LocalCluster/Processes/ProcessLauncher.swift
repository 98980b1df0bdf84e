import Glibc

/// Starts processes that outlive the command that started them.
package enum ProcessLauncher {
    /// `POSIX_SPAWN_SETSID` of glibc, which its Swift overlay does not show: a session of its own, so that neither the
    /// terminal nor its Ctrl-C reaches the process.
    private static let newSession: Int16 = 0x80
    /// Beyond this no program that starts nodes opens descriptors.
    private static let descriptorsMax: Int32 = 4_096

    /// The file of the program that runs now.
    package static func ownExecutable() throws(ClusterError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe readlink("/proc/self/exe", start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count > 0 else { throw .cannotStart("the path of this program can't be read from /proc/self/exe") }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Starts `program`, detached, with nothing to read and all it writes appended to `logPath`.
    ///
    /// - Parameter added: NAME=VALUE, in place of what this process was given under the same name.
    package static func launch(
        _ program: String, _ arguments: [String], logPath: String, environment added: [String] = []
    ) throws(ClusterError) -> ProcessIdentity {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, newSession)

        keepDescriptors()
        var processID: pid_t = 0
        let result = unsafe withCStrings([program] + arguments) { argv in
            unsafe withCStrings(environment(adding: added)) { environment in
                unsafe posix_spawn(&processID, program, &actions, &attributes, argv, environment)
            }
        }
        guard result == 0 else { throw .cannotStart("\(program) can't be started: errno \(result)") }
        guard let identity = ProcessTable.identity(of: processID) else {
            throw .cannotStart("\(program) ended at once; see \(logPath)")
        }
        return identity
    }

    /// Keeps our descriptors to ourselves: a node with our listening sockets would keep their ports beyond our end.
    private static func keepDescriptors() {
        for descriptor in STDERR_FILENO + 1..<descriptorsMax { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    private static func environment(adding added: [String]) -> [String] {
        let names = Set(added.map { $0.prefix { $0 != "=" } })
        return (ProcessTable.smallFile("/proc/self/environ") ?? "").split(separator: "\0")
            .filter { !names.contains($0.prefix { $0 != "=" }) }.map(String.init) + added
    }

    /// Calls `body` with a null-terminated array of C strings.
    private static func withCStrings(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let first = buffer.baseAddress else { return -1 }
            return unsafe body(UnsafePointer(first))
        }
    }
}
