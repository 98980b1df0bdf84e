import NIOCore
import Primitives
import Testing

@testable import Transport

@Suite("Receive buffers are lent again")
struct SpareBufferTests {
    /// Reads `frames` in one read, cuts them out and gives the buffer back.
    private func read(_ frames: [[UInt8]], _ buffers: ReceiveBuffers) -> (memory: Int, frames: [Bytes]) {
        var buffer = buffers.buffer()
        let content = frames.flatMap { frame($0) }
        buffer.writeBytes(content)
        let memory = unsafe buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        buffers.record(actualReadBytes: content.count)
        var cutter = FrameCutter(frameLimitBytes: 1 << 20)
        cutter.take(buffer)
        var cut: [Bytes] = []
        while case .frame(let frame) = cutter.next() { cut.append(frame) }
        buffer = ByteBuffer()
        cutter.keepRest(in: buffers)
        return (memory, cut)
    }

    @Test("A buffer is read into again once nobody has a frame of it")
    func reuse() {
        let buffers = ReceiveBuffers()
        let first = read([[1, 2], [3]], buffers).memory
        #expect(read([[4]], buffers).memory == first)
    }

    @Test("A frame that somebody keeps is never written over")
    func keptFrame() {
        let buffers = ReceiveBuffers()
        let kept = read([[1, 2], [3]], buffers)
        for value in UInt8(4)...100 { #expect(read([[value]], buffers).memory != kept.memory) }
        #expect(kept.frames.map(\.array) == [[1, 2], [3]])
    }

    /// Reads one frame in as many reads as its buffers take; tells how often its bytes were moved.
    private func moves(of frameBytes: Int, _ buffers: ReceiveBuffers) -> Int {
        var cutter = FrameCutter(frameLimitBytes: 4 << 20)
        let content = frame([UInt8](repeating: 1, count: frameBytes))
        var (done, moves, memory) = (0, 0, 0)
        while true {
            var buffer = buffers.buffer()
            let count = min(buffer.writableBytes, content.count - done)
            buffer.writeBytes(content[done..<done + count])
            done += count
            buffers.record(actualReadBytes: count)
            let place = unsafe buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
            if memory != 0, place != memory { moves += 1 }
            memory = place
            cutter.take(buffer)
            buffer = ByteBuffer()
            let step = cutter.next()
            cutter.keepRest(in: buffers)
            if case .frame = step { return moves }
        }
    }

    @Test("Frames that outgrow their buffer get larger ones, until reads are small again")
    func largeFrames() {
        let buffers = ReceiveBuffers()
        for _ in 0..<4 { _ = moves(of: 1 << 20, buffers) }
        #expect(moves(of: 1 << 20, buffers) == 0)
        // As large as frames are, not as large as they may be.
        #expect(buffers.buffer().capacity <= 2 << 20)
        for _ in 0..<400 { buffers.record(actualReadBytes: 10) }
        #expect(buffers.buffer().capacity == ReceiveBuffers.smallestBytes)
    }

    @Test("No more than a few buffers are remembered, and none that is much too large")
    func bounds() {
        let spares = SpareBuffers()
        for _ in 0..<2 * SpareBuffers.countMax { spares.give(ByteBufferAllocator().buffer(capacity: 4096)) }
        #expect(spares.take(bytes: 1024) == nil)
        #expect(spares.take(bytes: 8192) == nil)
        var taken = 0
        while spares.take(bytes: 4096) != nil { taken += 1 }
        #expect(taken == SpareBuffers.countMax)
    }
}
