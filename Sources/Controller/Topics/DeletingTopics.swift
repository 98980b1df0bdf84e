import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Deletes topics given by name or by id, each one by itself.
    ///
    /// A topic that the request means more than once is not deleted: who wrote it may have meant another.
    ///
    /// - Errors for each topic: TOPIC_DELETION_DISABLED; UNKNOWN_TOPIC_OR_PARTITION; UNKNOWN_TOPIC_ID;
    ///   INVALID_REQUEST for one that is given twice or in both ways.
    package func deleteTopics(_ request: DeleteTopicsRequest) -> Decision<DeleteTopicsResponse> {
        let asked =
            request.topics.isEmpty
            ? request.topicNames.map(DeleteTopicsRequest.DeleteTopicState.init(name:)) : request.topics
        var counts = Counts()
        for state in asked { counts.note(state, image.topics) }
        var response = DeleteTopicsResponse()
        var records: [MetadataRecord] = []
        var answered: Set<DeleteTopicsRequest.DeleteTopicState> = []
        for state in asked where answered.insert(state).inserted {
            var result = DeleteTopicsResponse.DeletableTopicResult()
            result.name = state.name
            result.topicID = state.topicID
            do throws(Refusal) {
                let topic = try deletableTopic(state, counts)
                result.name = topic.name
                result.topicID = topic.id
                var record = RemoveTopicRecord()
                record.topicID = topic.id
                records.append(.removeTopic(record))
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            response.responses.append(result)
        }
        return Decision(records, reply: response)
    }

    private func deletableTopic(
        _ state: DeleteTopicsRequest.DeleteTopicState, _ counts: Counts
    ) throws(Refusal) -> TopicImage {
        guard configuration.isTopicDeletionEnabled else {
            throw Refusal(.topicDeletionDisabled, "Topic deletion is disabled.")
        }
        if let name = state.name {
            guard state.topicID == .zero else {
                throw Refusal(.invalidRequest, "You may not specify both topic name and topic id.")
            }
            guard counts.byName[name] == 1 else { throw Refusal(.invalidRequest, "Duplicate topic name.") }
            guard let topic = image.topics[name: name] else {
                throw Refusal(.unknownTopicOrPartition, "This server does not host this topic-partition.")
            }
            guard counts.byTopic[topic.id] == 1 else {
                throw Refusal(
                    .invalidRequest, "The provided topic name maps to an ID that was already supplied.")
            }
            return topic
        }
        guard state.topicID != .zero else {
            throw Refusal(.invalidRequest, "Neither topic name nor id were specified.")
        }
        guard counts.byTopic[state.topicID] == 1 else { throw Refusal(.invalidRequest, "Duplicate topic id.") }
        guard let topic = image.topics[state.topicID] else {
            throw Refusal(.unknownTopicID, "This server does not host this topic ID.")
        }
        return topic
    }

    /// How often a request means each topic.
    private struct Counts {
        private(set) var byName: [String: Int] = [:]
        /// By name or by id.
        private(set) var byTopic: [TopicID: Int] = [:]

        mutating func note(_ state: DeleteTopicsRequest.DeleteTopicState, _ topics: TopicsImage) {
            if let name = state.name {
                guard state.topicID == .zero else { return }
                byName[name, default: 0] += 1
                if let id = topics.id(of: name) { byTopic[id, default: 0] += 1 }
            } else {
                byTopic[state.topicID, default: 0] += 1
            }
        }
    }
}

extension DeleteTopicsRequest.DeleteTopicState {
    fileprivate init(name: String) {
        self.init()
        self.name = name
    }
}
