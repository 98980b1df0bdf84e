import Primitives
import WireProtocol

/// Record batches and the codecs inside them.
enum BatchFuzz {
    private static let limit = 1 << 20

    /// One byte of flags (1: make the checksums right), then batches.
    static func batches(_ payload: Bytes) {
        guard payload.count > 1 else { return }
        let content = Bytes(payload[1..<payload.count].array)
        if payload[0] & 1 == 1 { seal(content) }
        if let batch = try? RecordBatch.produced(content) { admit(batch) }
        var batches = RecordBatches(content)
        do throws(RecordBatchError) {
            while let batch = try batches.next() { walk(batch) }
        } catch { _ = (error.errorCode, error.description) }
    }

    /// Makes every checksum right, so that what is behind it is tried.
    static func seal(_ content: Bytes) {
        var position = 0
        while let batch = try? RecordBatch(content, at: position) {
            content.patch(batch.computedChecksum, at: position + RecordBatchHeader.Position.checksum)
            position += batch.sizeInBytes
        }
    }

    private static func walk(_ batch: RecordBatch) {
        var records = 0
        do throws(RecordBatchError) {
            var iterator = try RecordIterator(batch, decompressedMaxBytes: limit)
            while let record = try iterator.next() {
                records += 1
                if batch.header.attributes.isControl, let key = record.key { _ = try? ControlRecordType(key: key) }
            }
            precondition(records == Int(batch.header.recordCount), "a batch of another number of records")
        } catch { _ = (error.errorCode, error.description) }
        _ = (batch.header.lastOffset, batch.header.nextOffset, batch.header.lastSequence)
    }

    /// The ways in which a topic may store what is produced.
    private static let rules: [RecordRules] = {
        let kept = RecordRules()
        var keyed = RecordRules()
        keyed.needsKeys = true
        keyed.createTimes = 0...2_000
        let converted = Compression.allCases.map { codec in
            var rules = RecordRules()
            rules.storedAs = .codec(codec, level: nil)
            rules.createTimes = .min ... .max
            return rules
        }
        return [kept, keyed] + converted
    }()

    /// What passes the checks of Produce can be read by everybody, and conversion keeps every record.
    private static func admit(_ batch: RecordBatch) {
        let checker = RecordChecker()
        for rules in rules {
            var rules = rules
            rules.decompressedBytesMax = limit
            rules.batchBytesMax = limit
            let copy: RecordBatch
            let stored: RecordBatch?
            do {
                copy = try RecordBatch(Bytes(batch.bytes.array))
                stored = try checker.check(copy, rules)
            } catch { continue }
            guard var stored else { preconditionFailure("a check without a limit to its patience gave up") }
            guard (try? stored.verifyChecksum()) != nil, let records = records(stored) else {
                preconditionFailure("a batch that was admitted can't be read")
            }
            precondition(records == self.records(batch), "conversion changed records")
            stored.place(at: Offset(7), leaderEpoch: LeaderEpoch(3))
            stored.stamp(logAppendTime: Timestamp(9))
            guard (try? stored.verifyChecksum()) != nil, let read = try? RecordBatchHeader(stored.bytes) else {
                preconditionFailure("a batch that was stamped can't be read")
            }
            precondition(stored.header == read, "a patched header differs from its bytes")
        }
    }

    /// Keys, values and headers; nil where a consumer could not read them. A key of a header may be any bytes to a
    /// broker, but must be text to us: such batches are left out.
    private static func records(_ batch: RecordBatch) -> [Record]? {
        var found: [Record] = []
        do throws(RecordBatchError) {
            var iterator = try RecordIterator(batch, decompressedMaxBytes: limit)
            while let record = try iterator.next() { found.append(record) }
        } catch { return nil }
        return found
    }

    /// One byte for the codec, then compressed bytes. The same bytes are compressed and read back as well.
    static func decompress(_ payload: Bytes) {
        guard payload.count > 0,
            let compression = Compression(rawValue: payload[0] % UInt8(Compression.allCases.count))
        else { return }
        let content = payload[1..<payload.count]
        if let output = try? compression.decompress(content, limit: limit) {
            precondition(output.count <= limit, "\(compression) gave more than its limit")
        }
        let packed = compression.compress(content)
        let unpacked = try? compression.decompress(packed, limit: max(content.count, 1))
        precondition(unpacked == content, "\(compression) does not read what it wrote")
    }
}
