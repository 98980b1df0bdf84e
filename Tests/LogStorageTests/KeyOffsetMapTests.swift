import LogStorage
import Primitives
import Testing

@Suite("The map of keys and offsets")
struct KeyOffsetMapTests {
    @Test("The hash is SipHash-2-4 with 128 bits")
    func vectors() {
        // The key 00 01 … 0f and the messages of the reference implementation.
        let secret = KeyHash.Secret(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        let expected: [(count: Int, first: UInt64, second: UInt64)] = [
            (0, 0xe6a8_25ba_047f_81a3, 0x9302_55c7_1472_f66d), (1, 0x44af_996b_d8c1_87da, 0x45fc_229b_1159_7634),
        ]
        for (count, first, second) in expected {
            let hash = KeyHash(Bytes((0..<count).map { UInt8($0) }), secret)
            #expect(hash.words == [first, second])
        }
    }

    @Test("The last offset of a key counts, and a full map takes known keys only")
    func bounded() {
        var map = KeyOffsetMap(memoryBytes: 24 * 10, load: 0.5, keysMax: 1_000, secret: KeyHash.Secret(3, 4))
        #expect(map.capacity == 5)
        let known = (0..<5).map { map.put(Bytes(utf8: "\($0)"), Offset(Int64($0))) }
        let more = map.put(Bytes(utf8: "5"), Offset(5))
        let again = map.put(Bytes(utf8: "3"), Offset(9))
        #expect(known.allSatisfy { $0 })
        #expect(!more)
        #expect(again)
        #expect(map.offset(of: Bytes(utf8: "3")) == Offset(9))
        #expect(map.offset(of: Bytes(utf8: "5")) == nil)
        #expect(map.utilization == 0.5)
    }

    @Test("No more memory is taken than there can be keys")
    func small() {
        let map = KeyOffsetMap(memoryBytes: 1 << 30, load: 0.9, keysMax: 9, secret: KeyHash.Secret(3, 4))
        #expect(map.capacity >= 9)
        #expect(map.capacity < 20)
    }
}
