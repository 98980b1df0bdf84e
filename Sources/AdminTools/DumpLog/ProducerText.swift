package import LogStorage
import Primitives

/// The lines of `dump-log` for a producer snapshot.
package enum ProducerText {
    /// One line for each producer, in the order of their ids.
    package static func lines(_ states: ProducerStates) -> [String] {
        states.ids.compactMap { id in
            guard let state = states[id] else { return nil }
            let first = state.currentTransactionFirstOffset.map { "OptionalLong[\($0)]" } ?? "OptionalLong.empty"
            var line =
                "producerId: \(id) producerEpoch: \(state.epoch) coordinatorEpoch: \(state.coordinatorEpoch ?? -1)"
            line += " currentTxnFirstOffset: \(first) lastTimestamp: \(state.lastTimestamp)"
            guard let batch = state.batches.last else { return line }
            line += " firstSequence: \(batch.firstSequence) lastSequence: \(batch.lastSequence)"
            line += " lastOffset: \(batch.lastOffset) offsetDelta: \(batch.offsetDelta)"
            return line + " timestamp: \(batch.timestamp)"
        }
    }
}
