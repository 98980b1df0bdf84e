import Dispatch
import LiveWorld
import Primitives
import Synchronization
import Testing
import WireMessages

/// A client that goes on producing with acks=all while others misbehave, and remembers what it was told.
final class GoodTraffic: Sendable {
    static let topic = "good"

    private struct Told {
        var acknowledged = 0
        var complaints: [String] = []
    }

    private let isOver = Atomic(false)
    private let told = Mutex(Told())
    private let ended = DispatchSemaphore(value: 0)
    private let pool = ThreadPool(threadCount: 1)
    private let port: Int
    private let mayRepeat: Bool

    /// - Parameter mayRepeat: whether a batch that was refused for a change of leaders may be in the log all the same.
    init(port: Int, mayRepeat: Bool = false) throws {
        self.port = port
        self.mayRepeat = mayRepeat
        #expect(try RawClient(port: port).createTopic(GoodTraffic.topic) == .noError)
        pool.run { [self] in
            go()
            ended.signal()
        }
    }

    private func go() {
        let client = RawClient(port: port)
        // Once at least, however soon the others are done.
        repeat {
            let answer = try? client.produce(Batches.plain(), to: GoodTraffic.topic)
            let isLast = told.withLock { told in
                guard let answer, answer.errorCode == .noError,
                    answer.baseOffset.value == Int64(told.acknowledged)
                        || (mayRepeat && answer.baseOffset.value > Int64(told.acknowledged))
                else {
                    told.complaints.append("after \(told.acknowledged): \(answer.map { "\($0)" } ?? "closed")")
                    return true
                }
                told.acknowledged += 1
                return false
            }
            if isLast { return }
        } while !isOver.load(ordering: .relaxed)
    }

    /// Ends it; all that it sent was acknowledged, in order, and it did send.
    func expectUnharmed() {
        isOver.store(true, ordering: .relaxed)
        ended.wait()
        pool.stop()
        let told = told.withLock { $0 }
        #expect(told.complaints.isEmpty)
        #expect(told.acknowledged > 0)
    }
}
