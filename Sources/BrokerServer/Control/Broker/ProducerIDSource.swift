package import Primitives
import Synchronization
import WireMessages

/// Gives out producer ids from blocks that the controller allots; a next block is asked for before the last id is gone.
package final class ProducerIDSource: Sendable {
    /// Gets the next id, or why there is none.
    package typealias Completion = @Sendable (Result<ProducerID, ProducerIDError>) -> Void

    private struct State {
        var blocks: [Range<Int64>] = []
        var waiting: [Completion] = []
        var isAsking = false
    }

    /// A new block is asked for when fewer ids than this are left.
    private static let reserve = 100
    /// Most callers that wait for a block.
    private static let waitingMax = 10_000
    private static let timeoutMilliseconds: Int64 = 10_000

    private let broker: BrokerID
    private let epoch: @Sendable () -> BrokerEpoch?
    private let channel: ControllerChannel
    private let state = Mutex(State())

    /// - Parameter epoch: the broker's present epoch.
    package init(broker: BrokerID, epoch: @escaping @Sendable () -> BrokerEpoch?, channel: ControllerChannel) {
        self.broker = broker
        self.epoch = epoch
        self.channel = channel
    }

    /// The next id. May be called from any thread; `completion` runs at once, or on the control loop when a block came.
    package func next(_ completion: @escaping Completion) {
        let (id, isFull, mustAsk) = state.withLock { state -> (ProducerID?, Bool, Bool) in
            let id = ProducerIDSource.take(&state)
            let left = state.blocks.reduce(0) { $0 + $1.count }
            let mustAsk = left < ProducerIDSource.reserve && !state.isAsking
            if mustAsk { state.isAsking = true }
            if id != nil { return (id, false, mustAsk) }
            guard state.waiting.count < ProducerIDSource.waitingMax else { return (nil, true, mustAsk) }
            state.waiting.append(completion)
            return (nil, false, mustAsk)
        }
        if mustAsk { ask() }
        if let id { completion(.success(id)) } else if isFull { completion(.failure(.unavailable)) }
    }

    private static func take(_ state: inout State) -> ProducerID? {
        guard let block = state.blocks.first else { return nil }
        if block.count == 1 {
            state.blocks.removeFirst()
        } else {
            state.blocks[0] = block.lowerBound + 1..<block.upperBound
        }
        return ProducerID(block.lowerBound)
    }

    private func ask() {
        var request = AllocateProducerIdsRequest()
        request.brokerID = broker
        if let epoch = epoch() { request.brokerEpoch = epoch }
        channel.send(
            request, timeoutMilliseconds: ProducerIDSource.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            guard case .success(let response) = result, response.errorCode == .noError, response.producerIDLen > 0
            else { return self.failed() }
            let start = response.producerIDStart.value
            self.received(start..<start + Int64(response.producerIDLen))
        }
    }

    private func received(_ block: Range<Int64>) {
        let (served, mustAsk) = state.withLock { state -> ([(Completion, ProducerID)], Bool) in
            state.blocks.append(block)
            var served: [(Completion, ProducerID)] = []
            while !state.waiting.isEmpty, let id = ProducerIDSource.take(&state) {
                served.append((state.waiting.removeFirst(), id))
            }
            state.isAsking = !state.waiting.isEmpty
            return (served, state.isAsking)
        }
        if mustAsk { ask() }
        for (completion, id) in served { completion(.success(id)) }
    }

    private func failed() {
        let waiting = state.withLock { state -> [Completion] in
            state.isAsking = false
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for completion in waiting { completion(.failure(.unavailable)) }
    }
}

/// Why there is no producer id: no controller gave a block in time. The client may ask again.
package enum ProducerIDError: Error, Hashable, Sendable {
    case unavailable
}
