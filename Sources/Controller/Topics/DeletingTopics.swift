import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Deletes topics given by name or by id, each one by itself.
    ///
    /// - Errors for each topic: TOPIC_DELETION_DISABLED; UNKNOWN_TOPIC_OR_PARTITION; UNKNOWN_TOPIC_ID;
    ///   INVALID_REQUEST for one that is given twice or in both ways.
    package func deleteTopics(_ request: DeleteTopicsRequest) -> Decision<DeleteTopicsResponse> {
        var response = DeleteTopicsResponse()
        var records: [MetadataRecord] = []
        var deleted: Set<TopicID> = []
        let states = request.topics.isEmpty ? request.topicNames.map(Self.state) : request.topics
        for state in states {
            var result = DeleteTopicsResponse.DeletableTopicResult()
            result.name = state.name
            result.topicID = state.topicID
            do throws(Refusal) {
                let topic = try deletableTopic(state)
                guard deleted.insert(topic.id).inserted else {
                    throw Refusal(.invalidRequest, "Duplicate topic name or id.")
                }
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

    private static func state(name: String) -> DeleteTopicsRequest.DeleteTopicState {
        var state = DeleteTopicsRequest.DeleteTopicState()
        state.name = name
        return state
    }

    private func deletableTopic(_ state: DeleteTopicsRequest.DeleteTopicState) throws(Refusal) -> TopicImage {
        guard configuration.isTopicDeletionEnabled else {
            throw Refusal(.topicDeletionDisabled, "Topic deletion is disabled.")
        }
        if let name = state.name {
            guard state.topicID == .zero else {
                throw Refusal(.invalidRequest, "You may not specify both topic name and topic id.")
            }
            guard let topic = image.topics[name: name] else {
                throw Refusal(.unknownTopicOrPartition, "This server does not host this topic-partition.")
            }
            return topic
        }
        guard state.topicID != .zero else {
            throw Refusal(.invalidRequest, "Neither topic name nor id were specified.")
        }
        guard let topic = image.topics[state.topicID] else {
            throw Refusal(.unknownTopicID, "This server does not host this topic ID.")
        }
        return topic
    }
}
