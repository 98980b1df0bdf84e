import Glibc

/// A command line that the user gave, run by the shell.
struct ShellCommand {
    let text: String

    /// Starts it and gives its process id.
    ///
    /// - Errors: the shell can't be started.
    @discardableResult
    func start() throws(ToolFailure) -> Int32 {
        var process = pid_t()
        var words: [UnsafeMutablePointer<CChar>?] = unsafe []
        for word in ["/bin/sh", "-c", text] { unsafe words.append(strdup(word)) }
        unsafe words.append(nil)
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        let failure = unsafe posix_spawn(&process, "/bin/sh", nil, nil, words, environ)
        guard failure == 0 else { throw ToolFailure("/bin/sh can't be started: errno \(failure)") }
        return process
    }

    /// Runs it to its end.
    ///
    /// - Errors: it fails.
    func run() throws(ToolFailure) {
        let process = try start()
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw ToolFailure("\(text) failed with status \(status)") }
    }
}
