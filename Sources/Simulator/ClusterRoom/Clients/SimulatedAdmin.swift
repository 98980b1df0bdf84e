import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages
import WireProtocol
import World

/// Who makes topics and moves replicas in a simulated cluster. It asks any broker, until one does it.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedAdmin: @unchecked Sendable {
    let client: SimulatedClient

    init(_ client: SimulatedClient) { self.client = client }

    /// Wait before something that failed is tried again.
    private static let retryMilliseconds: Int64 = 100

    /// Puts a question to one broker after another until `isDone` with the answer.
    func insist<Request: WireRequest>(
        on request: Request, attempts: Int = .max, _ isDone: @escaping @Sendable (Request.Response) -> Bool
    ) {
        guard attempts > 0, !client.isClosed else { return }
        client.send(request) { [self] result in
            if case .success(let response) = result, isDone(response) { return }
            client.loop.schedule(afterMilliseconds: SimulatedAdmin.retryMilliseconds) { [self] in
                insist(on: request, attempts: attempts - 1, isDone)
            }
        }
    }

    func createTopic(_ name: String, partitions: Int, replicas: Int, configs: [(String, String)] = []) {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = Int32(partitions)
        topic.replicationFactor = Int16(replicas)
        topic.configs = configs.map { key, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = key
            config.value = value
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        insist(on: request) { response in
            let code = response.topics.first?.errorCode
            return code == .noError || code == .topicAlreadyExists
        }
    }
}
