import Primitives

/// The content of a `.snapshot` file: producer state at the offset in its name, in Kafka's version 1.
///
/// Shape: int16 version, uint32 CRC-32C of the rest, int32 count, then 46 bytes for each producer.
package enum ProducerSnapshot {
    private static let version: Int16 = 1
    private static let headerBytes = 6
    private static let entryBytes = 46

    package static func encode(_ states: ProducerStates) -> [UInt8] {
        let ids = states.ids
        var rest: [UInt8] = []
        rest.reserveCapacity(4 + ids.count * entryBytes)
        rest.append(bigEndian: Int32(ids.count))
        for id in ids {
            guard let state = states[id] else { continue }
            let batch = state.batches.last
            rest.append(bigEndian: id.value)
            rest.append(bigEndian: state.epoch.value)
            rest.append(bigEndian: batch?.lastSequence ?? -1)
            rest.append(bigEndian: batch?.lastOffset.value ?? -1)
            rest.append(bigEndian: batch?.offsetDelta ?? 0)
            rest.append(bigEndian: state.lastTimestamp.value)
            rest.append(bigEndian: state.coordinatorEpoch ?? -1)
            rest.append(bigEndian: state.currentTransactionFirstOffset?.value ?? -1)
        }
        var content: [UInt8] = []
        content.append(bigEndian: version)
        content.append(bigEndian: CRC32C.checksum(Bytes(rest).span))
        return content + rest
    }

    /// Reads a file; nil when its version, length or checksum is wrong.
    package static func decode(_ content: [UInt8]) -> ProducerStates? {
        let bytes = Bytes(content)
        guard bytes.count >= headerBytes + 4, bytes.bigEndian(Int16.self, at: 0) == version,
            bytes.bigEndian(UInt32.self, at: 2) == CRC32C.checksum(bytes[headerBytes..<bytes.count].span)
        else { return nil }
        let count = Int(bytes.bigEndian(Int32.self, at: headerBytes))
        guard count >= 0, bytes.count == headerBytes + 4 + count * entryBytes else { return nil }
        var states = ProducerStates()
        for index in 0..<count {
            let entry = bytes[headerBytes + 4 + index * entryBytes..<headerBytes + 4 + (index + 1) * entryBytes]
            states.install(ProducerID(entry.bigEndian(Int64.self, at: 0)), state(entry))
        }
        return states
    }

    private static func state(_ entry: Bytes) -> ProducerState {
        let timestamp = Timestamp(entry.bigEndian(Int64.self, at: 26))
        var state = ProducerState(epoch: ProducerEpoch(entry.bigEndian(Int16.self, at: 8)), lastTimestamp: timestamp)
        let lastSequence = entry.bigEndian(Int32.self, at: 10)
        let lastOffset = entry.bigEndian(Int64.self, at: 14)
        let offsetDelta = entry.bigEndian(Int32.self, at: 22)
        if lastOffset >= 0 {
            state.batches = [
                ProducerState.Batch(
                    firstSequence: Sequence.goBack(lastSequence, by: offsetDelta), lastSequence: lastSequence,
                    lastOffset: Offset(lastOffset), offsetDelta: offsetDelta, timestamp: timestamp)
            ]
        }
        let coordinatorEpoch = entry.bigEndian(Int32.self, at: 34)
        state.coordinatorEpoch = coordinatorEpoch >= 0 ? coordinatorEpoch : nil
        let open = entry.bigEndian(Int64.self, at: 38)
        state.currentTransactionFirstOffset = open >= 0 ? Offset(open) : nil
        return state
    }
}
