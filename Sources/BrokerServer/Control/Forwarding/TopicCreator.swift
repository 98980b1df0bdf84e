package import Primitives
import Synchronization
import WireMessages
import WireProtocol

/// Creates topics on the broker's own account: those that a client's Metadata request names for the first time, and the
/// internal ones. A topic that is being created is not asked for a second time.
package final class TopicCreator: Sendable {
    /// Topics that are being created at once; more are refused until some are done.
    private static let inFlightMax = 1_000
    private static let timeoutMilliseconds: Int64 = 10_000

    private let channel: ControllerChannel
    private let inFlight = Mutex<Set<String>>([])

    package init(channel: ControllerChannel) { self.channel = channel }

    /// Has a topic created; −1 for `partitions` or `replicationFactor` takes the controller's default.
    ///
    /// - Parameter completion: gets the outcome on the control loop; TOPIC_ALREADY_EXISTS counts as success. Not called
    ///   for a topic that is being created already.
    package func create(
        _ name: String, partitions: Int32 = -1, replicationFactor: Int16 = -1, configs: [(String, String)] = [],
        completion: @escaping @Sendable (ErrorCode, String?) -> Void = { _, _ in }
    ) {
        let mayGo = inFlight.withLock { $0.count < TopicCreator.inFlightMax && $0.insert(name).inserted }
        guard mayGo else { return }
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = replicationFactor
        topic.configs = configs.map { key, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = key
            config.value = value
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMilliseconds = Int32(TopicCreator.timeoutMilliseconds)
        channel.send(
            request, timeoutMilliseconds: TopicCreator.timeoutMilliseconds,
            attemptMilliseconds: TopicCreator.timeoutMilliseconds,
            isRefusedByStandby: { $0.topics.contains { $0.errorCode == .notController } }
        ) { result in
            self.inFlight.withLock { _ = $0.remove(name) }
            switch result {
            case .failure: completion(.requestTimedOut, nil)
            case .success(let response):
                let outcome = response.topics.first
                let code = outcome?.errorCode ?? .unknownServerError
                completion(code == .topicAlreadyExists ? .noError : code, outcome?.errorMessage)
            }
        }
    }
}
