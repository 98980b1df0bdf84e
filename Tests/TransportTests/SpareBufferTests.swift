import NIOCore
import Primitives
import Testing

@testable import Transport

@Suite("Receive buffers are lent again")
struct SpareBufferTests {
    /// Reads `frames` in one read, cuts them out and gives the buffer back.
    private func read(_ frames: [[UInt8]], _ buffers: ReceiveBuffers) -> (memory: Int, frames: [Bytes]) {
        var buffer = buffers.buffer(allocator: .init())
        let content = frames.flatMap { frame($0) }
        buffer.writeBytes(content)
        let memory = unsafe buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        _ = buffers.record(actualReadBytes: content.count)
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
