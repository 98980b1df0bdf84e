import Metadata
import Primitives
package import WireMessages
package import World

/// DeleteRecords (API key 21), versions 0 to 2: moves the log start of partitions; answered when every live replica has
/// moved its own.
///
/// Errors: `UNKNOWN_TOPIC_OR_PARTITION`, `NOT_LEADER_OR_FOLLOWER`, `KAFKA_STORAGE_ERROR`, `INVALID_TOPIC_EXCEPTION` for
/// internal topics, `POLICY_VIOLATION` where `cleanup.policy` does not delete, `OFFSET_OUT_OF_RANGE` above the high
/// watermark, `REQUEST_TIMED_OUT` when a replica is late (the records are gone from the leader all the same),
/// `INVALID_REQUEST` for a partition that is named twice.
/// Source: KIP-107.
package struct DeleteRecordsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .client

    /// Kafka's number for "all that is committed".
    static let highWatermark = Offset(-1)

    private struct Part {
        let topic: Int
        let name: String
        let asked: DeleteRecordsRequest.DeleteRecordsPartition
        let isRepeated: Bool
    }

    private let table: PartitionTable
    private let pool: any BlockingPool

    package init(table: PartitionTable, world: World) {
        self.table = table
        pool = world.pool
    }

    package func handle(
        _ request: DeleteRecordsRequest, _ context: RequestContext, _ reply: Reply<DeleteRecordsResponse>
    ) {
        let parts = DeleteRecordsHandler.parts(of: request)
        guard !parts.isEmpty else { return reply(DeleteRecordsHandler.response(request, parts, [])) }
        let inFlight = DeletionInFlight(count: parts.count) { results in
            reply(DeleteRecordsHandler.response(request, parts, results))
        }
        let delay = Int64(max(request.timeoutMilliseconds, 0))
        let loop = context.loop
        // Segments are renamed: that may wait for a disk.
        pool.run {
            for (slot, part) in parts.enumerated() { self.delete(part, slot, inFlight) }
            if inFlight.isWaiting { loop.schedule(afterMilliseconds: delay) { inFlight.timeOut() } }
        }
    }

    private func delete(_ part: Part, _ slot: Int, _ inFlight: DeletionInFlight) {
        func refuse(_ error: ErrorCode) { inFlight.resolve(slot: slot, DeletionInFlight.PartitionResult(error: error)) }
        if part.isRepeated { return refuse(.invalidRequest) }
        if TopicName.isInternal(part.name) { return refuse(.invalidTopicException) }
        guard let partition = table.partition(part.name, part.asked.partitionIndex) else {
            return refuse(table.absence(part.name, part.asked.partitionIndex).error)
        }
        let offset = part.asked.offset == DeleteRecordsHandler.highWatermark ? nil : part.asked.offset
        partition.deleteRecords(before: offset, inFlight, slot: slot)
    }

    private static func parts(of request: DeleteRecordsRequest) -> [Part] {
        var seen: Set<String> = []
        var parts: [Part] = []
        for (index, topic) in request.topics.enumerated() {
            for asked in topic.partitions {
                let isNew = seen.insert("\(topic.name)/\(asked.partitionIndex)").inserted
                parts.append(Part(topic: index, name: topic.name, asked: asked, isRepeated: !isNew))
            }
        }
        return parts
    }

    private static func response(
        _ request: DeleteRecordsRequest, _ parts: [Part], _ results: [DeletionInFlight.PartitionResult]
    ) -> DeleteRecordsResponse {
        var response = DeleteRecordsResponse()
        response.topics = request.topics.map { topic in
            var answer = DeleteRecordsResponse.DeleteRecordsTopicResult()
            answer.name = topic.name
            return answer
        }
        for (part, result) in zip(parts, results) {
            var answer = DeleteRecordsResponse.DeleteRecordsPartitionResult()
            answer.partitionIndex = part.asked.partitionIndex
            answer.errorCode = result.error
            answer.lowWatermark = result.lowWatermark?.value ?? -1
            response.topics[part.topic].partitions.append(answer)
        }
        return response
    }
}
