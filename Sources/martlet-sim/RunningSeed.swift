import Glibc
import Synchronization

/// Which seed runs: told when a precondition of the code under test ends the process.
enum RunningSeed {
    private static let seed = Atomic<UInt64>(0)
    private static let isWatching = Atomic(false)

    static func begin(_ number: UInt64) {
        seed.store(number, ordering: .relaxed)
        guard !isWatching.exchange(true, ordering: .relaxed) else { return }
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT] {
            signal(number) { number in
                RunningSeed.tell()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// Writes the seed without allocating: this runs in a signal's handler.
    private static func tell() {
        var digits: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (48, 48, 48, 48, 48, 48, 48, 10)
        unsafe withUnsafeMutableBytes(of: &digits) { bytes in
            var left = seed.load(ordering: .relaxed)
            for index in (0..<7).reversed() {
                unsafe bytes[index] = UInt8(48 + left % 10)
                left /= 10
            }
            let words: StaticString = "the process ended itself in seed "
            _ = unsafe write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
