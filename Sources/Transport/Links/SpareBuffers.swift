import NIOCore

/// Receive buffers of one loop that were read from: as soon as nobody has a frame of one, it is lent again, while its
/// memory is still in the processor's cache. Touched on its loop only.
final class SpareBuffers {
    /// More are not remembered; what is forgotten is freed with its last frame.
    static let countMax = 8

    private var spares: [ByteBuffer] = []

    /// A buffer that nobody uses, of this size or up to twice as much.
    func take(bytes: Int) -> ByteBuffer? {
        for index in spares.indices.reversed() {
            let capacity = spares[index].capacity
            guard capacity >= bytes, capacity <= 2 * bytes else { continue }
            // The newest first: its memory was touched last.
            if spares[index].modifyIfUniquelyOwned({ $0.clear() }) != nil { return spares.remove(at: index) }
        }
        return nil
    }

    func give(_ buffer: consuming ByteBuffer) {
        if spares.count == SpareBuffers.countMax { spares.removeFirst() }
        spares.append(buffer)
    }
}
