import Primitives
import Testing

@testable import Simulator

@Suite("The time line of a simulation")
struct EventHeapTests {
    @Test("gives events in the order of their instants, then of their making, whatever came and went between")
    func order() {
        var generator = SeededGenerator(seed: 7)
        var heap = EventHeap<Int>()
        var expected: [(at: Int64, number: Int)] = []
        var taken: [Int] = []
        var wanted: [Int] = []
        for number in 0..<2_000 {
            let delay = Int64(generator.next() % 50)
            expected.append((heap.now.value + delay * 1_000, number))
            heap.schedule(number, afterMicroseconds: delay)
            guard generator.chance(2, in: 3), let event = heap.next(before: MonotonicInstant(.max)) else { continue }
            let first = expected.indices.min { left, right in
                let (one, other) = (expected[left], expected[right])
                return one.at != other.at ? one.at < other.at : one.number < other.number
            }
            wanted.append(expected.remove(at: first!).number)
            taken.append(event)
        }
        while let event = heap.next(before: MonotonicInstant(.max)) { taken.append(event) }
        wanted += expected.sorted { $0.at != $1.at ? $0.at < $1.at : $0.number < $1.number }.map(\.number)
        #expect(taken == wanted)
    }

    @Test("keeps what comes at the limit or later")
    func limit() {
        var heap = EventHeap<String>()
        heap.schedule("later", afterMicroseconds: 2)
        heap.schedule("sooner", afterMicroseconds: 1)
        #expect(heap.next(before: MonotonicInstant(2_000)) == "sooner")
        #expect(heap.next(before: MonotonicInstant(2_000)) == nil)
        #expect(heap.now == MonotonicInstant(1_000))
        #expect(heap.next(before: MonotonicInstant(2_001)) == "later")
    }
}
