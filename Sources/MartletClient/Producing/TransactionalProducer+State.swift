import ClientCore
import Primitives
import World

extension TransactionalProducer {
    typealias Outcome = Result<RecordPlace, ClientError>
    typealias Completion = @Sendable (Outcome) -> Void

    /// A record that is not written yet.
    struct PendingRecord {
        let bytes: Int
        let completion: Completion
    }

    /// A call that waits for something to change.
    struct Sleeper {
        let continuation: CheckedContinuation<Void, Never>
        let timer: any Timer
    }

    /// What follows from an event, to be done without the lock.
    struct Deeds {
        var requests: [TransactionMachine.Effect] = []
        var outcomes: [(completion: Completion, outcome: Outcome)] = []
        var sleepers: [Sleeper] = []
    }

    struct State {
        var machine: TransactionMachine
        var partitioner: Partitioner
        var generator: SeededGenerator
        let bufferBytesMax: Int
        var pending: [UInt64: PendingRecord] = [:]
        var bufferedBytes = 0
        var nextTicket: UInt64 = 0
        var sleepers: [UInt64: Sleeper] = [:]
        var nextSleeper: UInt64 = 0
        var wake: (any Timer)?
        var isClosed = false

        /// Between `begin` and the end.
        var isOpen = false
        var isCommitting = false
        /// How the last transaction ended.
        var ending: TransactionMachine.Ending?
        /// Why the open transaction can only be aborted.
        var obstacle: ClientError?
        /// Why the producer can't go on.
        var failure: ClientError?

        init(_ settings: TransactionMachine.Settings, bufferBytesMax: Int, _ generator: SeededGenerator) {
            machine = TransactionMachine(settings: settings)
            partitioner = Partitioner(stickyBytes: settings.batchBytesMax)
            self.generator = generator
            self.bufferBytesMax = bufferBytesMax
        }

        /// Whether a call may go on; otherwise why not.
        func check() throws(ClientError) {
            if isClosed { throw ClientError(.closed, "The producer was closed") }
            if let failure { throw failure }
        }

        /// Whether a record may be written; otherwise why not.
        func checkOpen() throws(ClientError) {
            try check()
            guard isOpen, !isCommitting else { throw ClientError(.invalid, "No transaction is open") }
            if let obstacle { throw obstacle }
        }

        /// Whether a record of so many bytes finds room; one alone always does.
        func hasRoom(for bytes: Int) -> Bool { bufferedBytes == 0 || bufferedBytes + bytes <= bufferBytesMax }

        /// Takes in what the machine tells of the transaction; returns what is to be done.
        mutating func note(_ effects: [TransactionMachine.Effect]) -> Deeds {
            var deeds = Deeds()
            for effect in effects {
                switch effect {
                case .findCoordinator, .ask, .produce, .refreshMetadata: deeds.requests.append(effect)
                case .written(let tickets, let place, let base):
                    for (index, ticket) in tickets.enumerated() {
                        let offset = base.map { $0.value + Int64(index) }
                        let written = RecordPlace(
                            topic: place.topic, partition: place.partition.value, offset: offset)
                        finish(ticket, .success(written), &deeds)
                    }
                case .mustAbort(let error):
                    isCommitting = false
                    obstacle = ClientError(code: error, message: "The transaction has to be aborted: \(error)")
                case .ended(let ending): end(ending, &deeds)
                }
            }
            deeds.sleepers = sleepers.sorted { $0.key < $1.key }.map(\.value)
            sleepers = [:]
            return deeds
        }

        private mutating func finish(_ ticket: UInt64, _ outcome: Outcome, _ deeds: inout Deeds) {
            guard let record = pending.removeValue(forKey: ticket) else { return }
            bufferedBytes -= record.bytes
            deeds.outcomes.append((record.completion, outcome))
        }

        private mutating func end(_ ending: TransactionMachine.Ending, _ deeds: inout Deeds) {
            self.ending = ending
            if case .failed(let error, let mayBeCommitted) = ending { failure = State.explain(error, mayBeCommitted) }
            giveUp(failure ?? obstacle ?? ClientError(.invalid, "The transaction was aborted"), &deeds)
            isOpen = false
            isCommitting = false
            obstacle = nil
        }

        /// Fails all records that are not written.
        mutating func giveUp(_ error: ClientError, _ deeds: inout Deeds) {
            for ticket in pending.keys.sorted() { finish(ticket, .failure(error), &deeds) }
        }

        static let doubt = ClientError(
            .invalid, "The transaction was aborted, unless the commit that was asked for before was late; read to know")

        static func explain(_ error: ErrorCode, _ mayBeCommitted: Bool) -> ClientError {
            let doubt = mayBeCommitted ? "; the transaction may be committed" : ""
            return ClientError(code: error, message: "The transactional producer can't go on: \(error)\(doubt)")
        }
    }
}
