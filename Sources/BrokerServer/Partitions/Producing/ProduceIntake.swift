import DequeModule
import Primitives
import WireProtocol
import World

/// Where one loop's Produce requests are checked, batch by batch, before they are queued for the end of the round.
///
/// Batches that take long to check (much compressed data, or another codec to be put into) go to the pool. What their
/// connection sends meanwhile waits behind them, so that the batches of a connection reach the logs in their order;
/// other connections go on.
///
/// `@unchecked Sendable`: touched on its loop only.
final class ProduceIntake: @unchecked Sendable {
    /// One partition's part of a request.
    struct Part: Sendable {
        let partition: Partition
        let records: Bytes?
        let request: ProduceInFlight
        let slot: Int
        let waitsForReplicas: Bool
    }

    /// A part whose check goes on elsewhere.
    private struct Unfinished: Sendable {
        let part: Part
        let batch: RecordBatch
        let rules: RecordRules
    }

    let loop: any Loop
    private let clock: any Clock
    private let pool: any BlockingPool
    private let round: AppendRound
    private let checker = RecordChecker()
    /// What waits behind the checks that run on the pool, by connection; bounded by what a connection may have in
    /// flight.
    private var waiting: [UInt64: Deque<[Part]>] = [:]

    /// - Parameter pool: where long checks run; its width bounds what they take from other work.
    init(loop: any Loop, clock: any Clock, pool: any BlockingPool) {
        self.loop = loop
        self.clock = clock
        self.pool = pool
        round = AppendRound(loop: loop)
    }

    /// Takes the parts of one request.
    func take(_ parts: [Part], connection: UInt64) {
        guard waiting[connection] == nil else {
            waiting[connection]?.append(parts)
            return
        }
        if let unfinished = check(parts) {
            waiting[connection] = []
            finish(unfinished, connection)
        }
    }

    /// Checks and queues; gives back what is too much for the loop.
    private func check(_ parts: [Part]) -> [Unfinished]? {
        let now = clock.timeOfDay
        var unfinished: [Unfinished] = []
        for part in parts {
            do throws(RecordRefusal) {
                let settings = part.partition.settings
                let batch = try ProducedBatch.opened(part.records, settings)
                let rules = settings.rules(now: now)
                // Behind one that goes to the pool all go there: the parts of a request keep their order.
                if unfinished.isEmpty, let checked = try checker.check(batch, rules, patience: .ofLoop) {
                    queue(part, checked.bytes)
                } else {
                    unfinished.append(Unfinished(part: part, batch: batch, rules: rules))
                }
            } catch {
                ProduceIntake.refuse(part, error)
            }
        }
        return unfinished.isEmpty ? nil : unfinished
    }

    private func finish(_ unfinished: [Unfinished], _ connection: UInt64) {
        pool.run { [self] in
            let checker = RecordChecker()
            var checked: [(part: Part, batch: Bytes)] = []
            for item in unfinished {
                do throws(RecordRefusal) {
                    guard let batch = try checker.check(item.batch, item.rules) else {
                        preconditionFailure("a check without a bound on its time was given up")
                    }
                    checked.append((item.part, batch.bytes))
                } catch {
                    ProduceIntake.refuse(item.part, error)
                }
            }
            let finished = checked
            loop.execute {
                for (part, batch) in finished { self.queue(part, batch) }
                self.goOn(connection)
            }
        }
    }

    /// Takes what waited, up to the next one that goes to the pool.
    private func goOn(_ connection: UInt64) {
        while let parts = waiting[connection]?.popFirst() {
            if let unfinished = check(parts) { return finish(unfinished, connection) }
        }
        waiting[connection] = nil
    }

    private static func refuse(_ part: Part, _ refusal: RecordRefusal) {
        part.partition.traffic.rejected(bytes: part.records?.count ?? 0)
        part.request.refuse(slot: part.slot, refusal)
    }

    private func queue(_ part: Part, _ batch: Bytes) {
        let incoming = PartitionState.Incoming(
            batch: batch, request: part.request, slot: part.slot, waitsForReplicas: part.waitsForReplicas)
        round.add(incoming, to: part.partition)
    }
}

extension ProduceInFlight {
    /// The batch of one partition was refused as a whole.
    fileprivate func refuse(slot: Int, _ refusal: RecordRefusal) {
        resolve(slot: slot) { result in
            result.error = refusal.code
            result.message = refusal.message
            result.recordErrors = refusal.faults
        }
    }
}
