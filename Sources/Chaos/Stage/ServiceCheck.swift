import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// Asks every node for itself whether the service is whole: all brokers, a leader for each partition, all in sync.
struct ServiceCheck: Sendable {
    /// A node that does not answer within this time is not there.
    private static let answerMillisecondsMax: Int64 = 2_000

    let cluster: ClusterClient
    let endpoints: [Endpoint]
    let topic: LoadTopic

    /// What is missing; nil where nothing is.
    func whatIsMissing() async -> String? {
        for (index, endpoint) in endpoints.enumerated() {
            let view: ClusterView
            do throws(ClientError) { view = try await ask(endpoint) } catch {
                return "node \(index + 1) does not answer: \(error)"
            }
            guard view.brokers.count == endpoints.count else {
                return "node \(index + 1) knows of the brokers \(view.brokerIDs.map(\.description)) only"
            }
            for partition in topic.partitions {
                guard let found = view.partition(TopicPartition(topic.name, PartitionIndex(partition))),
                    let leader = found.leader
                else { return "node \(index + 1) knows of no leader of \(topic.key(partition))" }
                guard found.inSyncReplicas.count == found.replicas.count else {
                    return "\(topic.key(partition)) (leader \(leader)) is in sync on "
                        + "\(found.inSyncReplicas.map(\.description)) only"
                }
            }
        }
        return nil
    }

    /// What one node knows of the topic.
    func ask(_ endpoint: Endpoint) async throws(ClientError) -> ClusterView {
        var asked = MetadataRequest.MetadataRequestTopic()
        asked.name = topic.name
        var request = MetadataRequest()
        request.topics = [asked]
        request.allowAutoTopicCreation = false
        let response = try await cluster.send(
            request, to: endpoint, timeoutMilliseconds: ServiceCheck.answerMillisecondsMax)
        var view = ClusterView()
        view.apply(response, isComplete: true)
        return view
    }
}
