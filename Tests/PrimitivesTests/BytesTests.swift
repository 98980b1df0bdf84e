import Primitives
import Testing

@Suite("Bytes in shared regions")
struct BytesTests {
    @Test("A slice shares the region and keeps it alive")
    func slices() {
        var whole: Bytes? = Bytes([1, 2, 3, 4, 5])
        let slice = whole![1..<4]
        #expect(slice.region === whole!.region)
        whole = nil
        #expect(slice.array == [2, 3, 4])
        #expect(slice[1..<2].array == [3])
        #expect(slice[2] == 4)
    }

    @Test("Integers are read and patched big-endian, at any alignment", arguments: 0..<9)
    func integers(offset: Int) {
        let bytes = Bytes(Array(repeating: 0, count: 17))
        bytes.patch(0x0102_0304_0506_0708 as Int64, at: offset)
        #expect(bytes.array[offset..<offset + 8].elementsEqual([1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(bytes.bigEndian(Int64.self, at: offset) == 0x0102_0304_0506_0708)
        #expect(bytes.bigEndian(UInt16.self, at: offset) == 0x0102)
    }

    @Test("Equal content is equal and hashes the same, wherever it stands")
    func equality() {
        let one = Bytes([9, 1, 2, 3])[1..<4]
        let other = Bytes([1, 2, 3])
        #expect(one == other)
        #expect(Set([one, other]).count == 1)
        #expect(one != Bytes([1, 2]))
        #expect(Bytes.empty == Bytes([]))
    }
}
