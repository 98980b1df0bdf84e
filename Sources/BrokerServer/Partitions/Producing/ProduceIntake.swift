import DequeModule
import Primitives
import WireProtocol
import World

/// Where one loop's Produce requests are checked, batch by batch, before they are queued for the end of the round.
///
/// Batches that take long to check (much compressed data, or another codec to be put into) go to the pool, and the
/// first ones of a transaction wait until its coordinator was asked. What their connection sends meanwhile waits behind
/// them, so that the batches of a connection reach the logs in their order; other connections go on.
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
        /// Whose transaction the batch may be of.
        var client: TransactionalClient?
    }

    /// A part whose check goes on elsewhere.
    private struct Unfinished: Sendable {
        let part: Part
        let batch: RecordBatch
        let rules: RecordRules
    }

    /// What keeps a request's parts from being queued at once.
    private struct Late: Sendable {
        var unfinished: [Unfinished] = []
        var unvouched: [UnvouchedBatch] = []
        var isEmpty: Bool { unfinished.isEmpty && unvouched.isEmpty }
    }

    let loop: any Loop
    private let clock: any Clock
    private let pool: any BlockingPool
    private let round: AppendRound
    private let checker = RecordChecker()
    private let gate: TransactionGate
    /// What waits behind what is late, by connection; bounded by what a connection may have in flight.
    private var waiting: [UInt64: Deque<[Part]>] = [:]

    /// - Parameters:
    ///   - pool: where long checks run; its width bounds what they take from other work.
    ///   - gate: where coordinators of transactions are asked.
    init(loop: any Loop, clock: any Clock, pool: any BlockingPool, gate: TransactionGate) {
        self.loop = loop
        self.clock = clock
        self.pool = pool
        self.gate = gate
        round = AppendRound(loop: loop)
    }

    /// Takes the parts of one request.
    func take(_ parts: [Part], connection: UInt64) {
        guard waiting[connection] == nil else {
            waiting[connection]?.append(parts)
            return
        }
        let late = check(parts)
        if late.isEmpty { return }
        waiting[connection] = []
        finish(late, connection)
    }

    /// Checks and queues; gives back what can't be queued yet.
    private func check(_ parts: [Part]) -> Late {
        let now = clock.timeOfDay
        var late = Late()
        for part in parts {
            do throws(RecordRefusal) {
                let settings = part.partition.settings
                let batch = try ProducedBatch.opened(part.records, settings)
                let rules = settings.rules(now: now)
                // Behind one that goes to the pool all go there: the parts of a request keep their order.
                if late.unfinished.isEmpty, let checked = try checker.check(batch, rules, patience: .ofLoop) {
                    admit(part, checked.bytes, batch.header, &late)
                } else {
                    late.unfinished.append(Unfinished(part: part, batch: batch, rules: rules))
                }
            } catch {
                ProduceIntake.refuse(part, error)
            }
        }
        return late
    }

    private func finish(_ late: Late, _ connection: UInt64) {
        if late.unfinished.isEmpty { return vouch(for: late.unvouched, connection) }
        pool.run { [self] in
            let checker = RecordChecker()
            var checked: [(part: Part, batch: Bytes, header: RecordBatchHeader)] = []
            for item in late.unfinished {
                do throws(RecordRefusal) {
                    guard let batch = try checker.check(item.batch, item.rules) else {
                        preconditionFailure("a check without a bound on its time was given up")
                    }
                    checked.append((item.part, batch.bytes, item.batch.header))
                } catch {
                    ProduceIntake.refuse(item.part, error)
                }
            }
            let finished = checked
            loop.execute {
                var rest = late
                rest.unfinished = []
                for (part, batch, header) in finished { self.admit(part, batch, header, &rest) }
                self.vouch(for: rest.unvouched, connection)
            }
        }
    }

    /// Queues a batch, unless it is of a transaction that is not known to be open.
    private func admit(_ part: Part, _ batch: Bytes, _ header: RecordBatchHeader, _ late: inout Late) {
        guard header.attributes.isTransactional else { return queue(part, batch) }
        switch gate.verdict(on: part, header) {
        case .refused(let error): part.request.resolve(slot: part.slot, error)
        case .free: queue(part, batch)
        case .claimed(let claim): queue(part, batch, claim)
        case .toVerify(let claim): late.unvouched.append(UnvouchedBatch(part: part, batch: batch, claim: claim))
        }
    }

    private func vouch(for batches: [UnvouchedBatch], _ connection: UInt64) {
        guard !batches.isEmpty else { return goOn(connection) }
        gate.verify(batches) { [self] errors in
            loop.execute { [self] in
                for (item, error) in zip(batches, errors) {
                    if error == .noError {
                        queue(item.part, item.batch, item.claim)
                    } else {
                        item.part.request.resolve(slot: item.part.slot, error)
                    }
                }
                goOn(connection)
            }
        }
    }

    /// Takes what waited, up to the next that is late.
    private func goOn(_ connection: UInt64) {
        while let parts = waiting[connection]?.popFirst() {
            let late = check(parts)
            if !late.isEmpty { return finish(late, connection) }
        }
        waiting[connection] = nil
    }

    private static func refuse(_ part: Part, _ refusal: RecordRefusal) {
        part.partition.traffic.rejected(bytes: part.records?.count ?? 0)
        part.request.refuse(slot: part.slot, refusal)
    }

    private func queue(_ part: Part, _ batch: Bytes, _ claim: TransactionClaim? = nil) {
        let incoming = PartitionState.Incoming(
            batch: batch, request: part.request, slot: part.slot, waitsForReplicas: part.waitsForReplicas,
            claim: claim)
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
