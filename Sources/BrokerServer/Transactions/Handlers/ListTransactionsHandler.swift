import Coordinators
import Primitives
package import WireMessages
package import World

/// Lists the transactional ids of this coordinator.
///
/// - Errors: INVALID_REGULAR_EXPRESSION; COORDINATOR_LOAD_IN_PROGRESS while a part of them is being loaded.
/// - Source: KIP-664, KIP-994 (duration), KIP-1152 (patterns of ids, which match whole ids).
package struct ListTransactionsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .client

    private let transactions: TransactionCoordinatorHost
    private let clock: any Clock

    package init(_ transactions: TransactionCoordinatorHost, clock: any Clock) {
        self.transactions = transactions
        self.clock = clock
    }

    package func handle(
        _ request: ListTransactionsRequest, _ context: RequestContext, _ reply: Reply<ListTransactionsResponse>
    ) {
        var response = ListTransactionsResponse()
        var pattern: TopicExpression?
        if let text = request.transactionalIDPattern, !text.isEmpty {
            do throws(TopicExpression.Mistake) { pattern = try TopicExpression(text) } catch {
                response.errorCode = .invalidRegularExpression
                return reply(response)
            }
        }
        let known = Set(TransactionState.allCases.map(\.name))
        response.unknownStateFilters = request.stateFilters.filter { !known.contains($0) }
        let filter = TransactionFilter(
            states: Set(request.stateFilters), producers: Set(request.producerIDFilters),
            minDurationMilliseconds: request.durationFilter, pattern: pattern, now: clock.timeOfDay)
        // Only unknown states were asked for: none has one of those.
        switch transactions.accessAll({ $0.list(filter) }) {
        case .failure(let refusal): response.errorCode = refusal.code
        case .success(let lists):
            let found = lists.flatMap { $0 }.sorted { $0.id < $1.id }
            response.transactionStates = found.map { id, stored in
                var listed = ListTransactionsResponse.TransactionState()
                listed.transactionalID = id
                listed.producerID = stored.producerID
                listed.transactionState = stored.state.name
                return listed
            }
        }
        reply(response)
    }
}
