import Glibc
import Synchronization

/// The wish of whoever runs the tool that it ends: Ctrl-C or SIGTERM. A second one ends it at once.
enum Interruption {
    private static let wishes = Atomic<Int>(0)

    /// Whether there was one.
    static var isWanted: Bool { wishes.load(ordering: .relaxed) > 0 }

    /// Notices them from now on.
    static func watch() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                if Interruption.wishes.add(1, ordering: .relaxed).newValue > 1 { _exit(1) }
            }
        }
    }
}
