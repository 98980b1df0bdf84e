import Primitives
import Testing

@testable import BrokerServer

@Suite("When a log directory counts as slow to write")
struct WritePaceTests {
    private var pace = WritePace()
    private var nowMilliseconds: Int64 = 0

    private func instant(_ milliseconds: Int64) -> MonotonicInstant { MonotonicInstant(milliseconds * 1_000_000) }

    private mutating func write(taking milliseconds: Int64) -> WritePace.Turn? {
        let begun = instant(nowMilliseconds)
        nowMilliseconds += milliseconds
        return pace.wrote(from: begun, to: instant(nowMilliseconds))
    }

    /// Fast writes, one each 100 ms, until the directory counts as fast; gives how long that took.
    private mutating func recover() throws -> Int64 {
        let begun = nowMilliseconds
        for _ in 0..<10_000 {
            nowMilliseconds += 100
            if write(taking: 0) == .fast { return nowMilliseconds - begun }
        }
        throw StaysSlow()
    }

    private struct StaysSlow: Error {}

    @Test("After one slow write no loop writes there; when enough was lost the directory is slow")
    mutating func turnsSlow() {
        nowMilliseconds = 1_000_000
        #expect(write(taking: WritePace.slowMilliseconds - 1) == nil)
        #expect(!pace.handsOver)
        #expect(write(taking: WritePace.slowMilliseconds) == nil)
        #expect(pace.handsOver && !pace.isSlow)
        for _ in 0..<3 { #expect(write(taking: WritePace.slowMilliseconds) == nil) }
        #expect(write(taking: WritePace.slowMilliseconds) == .slow)
        #expect(pace.isSlow)
        #expect(write(taking: 500) == nil, "told once")
    }

    @Test("A slow write by itself may be the processor's: it is soon forgotten")
    mutating func suspicion() {
        nowMilliseconds = 1_000_000
        for _ in 0..<20 {
            #expect(write(taking: 30) == nil)
            for _ in 0..<WritePace.fastWritesMin {
                #expect(pace.handsOver)
                nowMilliseconds += 20
                #expect(write(taking: 0) == nil)
            }
            #expect(!pace.handsOver && !pace.isSlow)
            nowMilliseconds += 5_000
        }
    }

    @Test("It is fast again after a probation without a slow write, and after enough writes")
    mutating func turnsFast() throws {
        _ = write(taking: 200)
        #expect(try recover() == WritePace.probationMilliseconds.lowerBound)
        #expect(!pace.isSlow)
        nowMilliseconds += 1_000_000
        _ = write(taking: 200)
        nowMilliseconds += 10_000
        for _ in 1..<WritePace.fastWritesMin { #expect(write(taking: 1) == nil, "one write says little") }
        #expect(write(taking: 1) == .fast)
    }

    @Test("A slow write during the probation begins it anew")
    mutating func slowMeanwhile() throws {
        _ = write(taking: 200)
        for _ in 0..<9 {
            nowMilliseconds += 100
            #expect(write(taking: 0) == nil)
        }
        _ = write(taking: 30)
        #expect(try recover() == WritePace.probationMilliseconds.lowerBound)
    }

    @Test("Each relapse doubles the probation up to the longest; a long good time forgets them")
    mutating func relapses() throws {
        var expected = WritePace.probationMilliseconds.lowerBound
        for _ in 0..<10 {
            #expect(write(taking: 200) == .slow)
            #expect(try recover() == expected)
            expected = min(2 * expected, WritePace.probationMilliseconds.upperBound)
        }
        nowMilliseconds += 5 * WritePace.probationMilliseconds.upperBound
        _ = write(taking: 200)
        #expect(try recover() == WritePace.probationMilliseconds.lowerBound)
    }
}
