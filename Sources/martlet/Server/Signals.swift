import Glibc

/// The signals that end a server, taken by the main thread alone.
enum Signals {
    private static let ending: [Int32] = [SIGTERM, SIGINT, SIGHUP]

    /// Keeps the signals from every thread; to be called before the first one is started.
    static func block() {
        var set = endingSet()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that closed its socket must not end the process.
        _ = signal(SIGPIPE, SIG_IGN)
        // Nor a file that may not grow any further: that write fails, and is dealt with as one that failed.
        _ = signal(SIGXFSZ, SIG_IGN)
    }

    /// Waits for one of them; returns its number.
    static func wait() -> Int32 {
        var set = endingSet()
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number
    }

    private static func endingSet() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in ending { unsafe sigaddset(&set, number) }
        return set
    }
}
