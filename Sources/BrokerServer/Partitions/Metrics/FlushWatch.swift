import Primitives
import Synchronization

/// How long a disk's flushes took of late, those that still run included: one that answers nothing at all is the
/// slowest.
package final class FlushWatch: Sendable {
    /// Flushes that are remembered, and for how long.
    private static let samplesMax = 512
    private static let rememberedMilliseconds: Int64 = 3_000

    private struct Sample {
        let endedAt: MonotonicInstant
        let milliseconds: Int64
    }

    private struct State {
        var samples: [Sample] = []
        var next = 0
        var running: [UInt64: MonotonicInstant] = [:]
        var lastTicket: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// A flush begins; `ended` takes what this gives.
    func began(at now: MonotonicInstant) -> UInt64 {
        state.withLock { state in
            state.lastTicket += 1
            state.running[state.lastTicket] = now
            return state.lastTicket
        }
    }

    /// A flush ended, well or not.
    func ended(_ ticket: UInt64, at now: MonotonicInstant) {
        state.withLock { state in
            guard let began = state.running.removeValue(forKey: ticket) else { return }
            let sample = Sample(endedAt: now, milliseconds: now.milliseconds(since: began))
            if state.samples.count < FlushWatch.samplesMax {
                state.samples.append(sample)
            } else {
                state.samples[state.next] = sample
                state.next = (state.next + 1) % FlushWatch.samplesMax
            }
        }
    }

    /// The 99th percentile; nil where nothing was flushed of late.
    func slowMilliseconds(now: MonotonicInstant) -> Int64? {
        state.withLock { state in
            var times = state.running.values.map { now.milliseconds(since: $0) }
            for sample in state.samples
            where now.milliseconds(since: sample.endedAt) < FlushWatch.rememberedMilliseconds {
                times.append(sample.milliseconds)
            }
            if times.isEmpty { return nil }
            times.sort()
            return times[min(times.count * 99 / 100, times.count - 1)]
        }
    }
}
