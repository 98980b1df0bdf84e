import Coordinators
import Metadata
import Primitives
import WireMessages
import WireProtocol

/// Records that a node replays from its own disk or from a leader: none of them may stop it by a trap.
enum RecordFuzz {
    /// Frames of metadata records, each behind its length in two bytes.
    static func metadata(_ payload: Bytes) {
        var image = MetadataImage()
        var delta = MetadataDelta()
        for frame in Pieces(payload) {
            guard let frame, let record = try? MetadataRecordFrame.decode(frame) else { continue }
            let written = MetadataRecordFrame.encode(record)
            guard let again = try? MetadataRecordFrame.decode(written) else {
                preconditionFailure("a metadata record does not read what it wrote")
            }
            precondition(MetadataRecordFrame.encode(again) == written, "a metadata record is not stable")
            try? image.replay(record, noting: &delta)
        }
        // What was replayed can be put into a snapshot and read back.
        guard let copy = try? MetadataImage(records: image.snapshotRecords, provenance: image.provenance) else {
            preconditionFailure("an image does not read its own records")
        }
        precondition(
            copy.snapshotRecords.map { MetadataRecordFrame.encode($0) }
                == image.snapshotRecords.map { MetadataRecordFrame.encode($0) },
            "an image read from its records differs")
    }

    /// Keys and values by turns, each behind its length in two bytes; 0xFFFF is a tombstone.
    static func groups(_ payload: Bytes) {
        var image = GroupImage()
        var pieces = Pieces(payload).makeIterator()
        var position: Int64 = 0
        while case .some(.some(let key)) = pieces.next(), let value = pieces.next() {
            position += 1
            guard let record = try? GroupRecord.decode(key: key, value: value) else { continue }
            guard let again = try? GroupRecord.decode(key: record.keyBytes, value: record.valueBytes) else {
                preconditionFailure("a group record does not read what it wrote")
            }
            precondition(again.keyBytes == record.keyBytes && again.valueBytes == record.valueBytes)
            image.replay(record)
        }
        serve(image)
    }

    private static func serve(_ image: GroupImage) {
        var time = CoordinatorTime(now: MonotonicInstant(0), timeOfDay: Timestamp(1_000))
        var shard = GroupShard(settings: GroupConfiguration(), loaded: image, at: time)
        for group in shard.list(states: [], types: []) { _ = shard.describe(group.groupID) }
        for _ in 0..<3 {
            time.now = time.now.advanced(byMilliseconds: 1 << 32)
            time.timeOfDay = Timestamp(time.timeOfDay.value + (1 << 40))
            _ = shard.expire(at: time)
        }
        _ = shard.fail()
    }
}
