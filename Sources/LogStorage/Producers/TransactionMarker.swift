import Primitives

/// The control record that ends a transaction, as far as producer state needs it.
enum TransactionMarker {
    /// The epoch of the coordinator that wrote the marker; nil where the batch holds no ABORT or COMMIT marker.
    static func coordinatorEpoch(in batch: Bytes) -> Int32? {
        // Control batches are never compressed: length, attributes, time delta, offset delta, key, value.
        var reader = VarintReader(bytes: batch, position: BatchHeader.byteCount)
        guard reader.next() != nil, reader.skip(1), reader.next() != nil, reader.next() != nil,
            reader.next() == 4, let key = reader.take(4),
            (0...1).contains(key.bigEndian(Int16.self, at: 2)),
            let valueBytes = reader.next(), valueBytes >= 6, let value = reader.take(Int(valueBytes))
        else { return nil }
        return value.bigEndian(Int32.self, at: 2)
    }

    private struct VarintReader {
        let bytes: Bytes
        var position: Int

        /// A zigzag varint.
        mutating func next() -> Int64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard position < bytes.count else { return nil }
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
            }
            return nil
        }

        mutating func skip(_ count: Int) -> Bool { take(count) != nil }

        mutating func take(_ count: Int) -> Bytes? {
            guard count >= 0, count <= bytes.count - position else { return nil }
            defer { position += count }
            return bytes[position..<position + count]
        }
    }
}
