import Primitives
import Synchronization
package import World

/// Makes the page of metrics when somebody asks for it; several who ask at once get the same page.
package final class MetricsDesk: Sendable {
    /// Where a source is asked.
    package enum Place: Hashable, Sendable {
        /// On a thread of the pool: sources that may take their time.
        case pool
        /// On the control loop: short ones that belong there.
        case controlLoop
    }

    private struct State {
        var sources: [(place: Place, source: any MetricsSource)] = []
        var waiting: [@Sendable ([UInt8]) -> Void] = []
    }

    private let world: World
    private let watch: LoopWatch
    private let state = Mutex(State())

    package init(_ world: World) {
        self.world = world
        watch = LoopWatch(world)
    }

    /// Adds a source, for good.
    package func add(_ source: any MetricsSource, on place: Place = .pool) {
        state.withLock { $0.sources.append((place, source)) }
    }

    /// Makes a page, or waits for the one that is being made.
    func page(_ answer: @escaping @Sendable ([UInt8]) -> Void) {
        let isFirst = state.withLock { state in
            state.waiting.append(answer)
            return state.waiting.count == 1
        }
        if isFirst { watch.look { self.gather($0) } }
    }

    private func gather(_ findings: [LoopWatch.Finding]) {
        let start = world.clock.now
        let sources = state.withLock { $0.sources }
        world.controlLoop.execute { [self] in
            var page = MetricsPage()
            for (place, source) in sources where place == .controlLoop { source.report(into: &page) }
            let begun = page
            world.pool.run {
                var page = begun
                for (place, source) in sources where place == .pool { source.report(into: &page) }
                for finding in findings {
                    page.gauge(
                        "martlet_loop_answer_seconds", "How long a loop took to answer when it was last asked.",
                        real: finding.microseconds.map { Double($0) / 1_000_000 } ?? .nan, [("loop", finding.name)])
                }
                let taken = Double(self.world.clock.now.value - start.value) / 1_000_000_000
                page.gauge("martlet_scrape_seconds", "How long this page took to make.", real: taken)
                self.finish(page.text())
            }
        }
    }

    private func finish(_ page: [UInt8]) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for answer in waiting { answer(page) }
    }
}
