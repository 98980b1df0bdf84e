package import Metadata
package import Primitives
package import Replication
import WireMessages
package import World

/// Brings the ISR changes of this broker's partitions to the controller: one request at a time, with all that has come
/// together meanwhile.
///
/// `@unchecked Sendable`: touched on the control loop only; `propose` goes there first.
package final class AlterPartitionSender: @unchecked Sendable {
    /// Gets the answer.
    package typealias Completion = @Sendable (ISRAnswer) -> Void

    /// Most changes in one request.
    private static let changesMax = 2_000
    private static let timeoutMilliseconds: Int64 = 30_000

    private let broker: BrokerID
    private let epoch: @Sendable () -> BrokerEpoch?
    private let channel: ControllerChannel
    private let world: World
    private var waiting = WaitingISRChanges()
    private var isInFlight = false

    /// - Parameter epoch: the broker's present epoch.
    package init(
        broker: BrokerID, epoch: @escaping @Sendable () -> BrokerEpoch?, channel: ControllerChannel, world: World
    ) {
        self.broker = broker
        self.epoch = epoch
        self.channel = channel
        self.world = world
    }

    /// The epoch under which this broker speaks; nil while it is not registered.
    package var brokerEpoch: BrokerEpoch? { epoch() }

    /// Proposes a change. May be called from any thread; `completion` runs once, on the control loop.
    ///
    /// A leader has at most one proposal under way (rule 13); one that was made in an earlier epoch gives way to a
    /// newer one, so a partition is in a request once at most.
    package func propose(
        _ partition: TopicPartitionID, _ proposal: ISRProposal, completion: @escaping Completion
    ) {
        world.controlLoop.execute {
            let change = WaitingISRChanges.Change(partition: partition, proposal: proposal, completion: completion)
            // What a leader of an earlier epoch asked for nobody waits for any longer; who does asks again.
            if let superseded = self.waiting.add(change) { superseded.completion(.refused(.networkException)) }
            self.send()
        }
    }

    private func send() {
        guard !isInFlight, !waiting.isEmpty else { return }
        let sent = waiting.take(AlterPartitionSender.changesMax)
        guard let epoch = epoch() else {
            for change in sent { change.completion(.refused(.staleBrokerEpoch)) }
            return
        }
        isInFlight = true
        channel.send(
            request(sent, epoch), timeoutMilliseconds: AlterPartitionSender.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            self.isInFlight = false
            switch result {
            case .failure: for change in sent { change.completion(.refused(.networkException)) }
            case .success(let response): AlterPartitionSender.answer(sent, response)
            }
            self.send()
        }
    }

    private func request(_ changes: [WaitingISRChanges.Change], _ epoch: BrokerEpoch) -> AlterPartitionRequest {
        var request = AlterPartitionRequest()
        request.brokerID = broker
        request.brokerEpoch = epoch
        for change in changes.sorted(by: { $0.partition < $1.partition }) {
            if request.topics.last?.topicID != change.partition.topic {
                var topic = AlterPartitionRequest.TopicData()
                topic.topicID = change.partition.topic
                request.topics.append(topic)
            }
            var data = AlterPartitionRequest.PartitionData()
            data.partitionIndex = change.partition.index
            data.leaderEpoch = change.proposal.leaderEpoch
            data.partitionEpoch = change.proposal.partitionEpoch
            data.newIsrWithEpochs = change.proposal.members.map {
                var member = AlterPartitionRequest.BrokerState()
                member.brokerID = $0.broker
                member.brokerEpoch = $0.epoch
                return member
            }
            request.topics[request.topics.count - 1].partitions.append(data)
        }
        return request
    }

    private static func answer(_ changes: [WaitingISRChanges.Change], _ response: AlterPartitionResponse) {
        var answers: [TopicPartitionID: ISRAnswer] = [:]
        for topic in response.topics {
            for data in topic.partitions {
                let id = TopicPartitionID(topic.topicID, data.partitionIndex)
                answers[id] =
                    data.errorCode == .noError
                    ? .committed(leaderEpoch: data.leaderEpoch, partitionEpoch: data.partitionEpoch, inSync: data.isr)
                    : .refused(data.errorCode)
            }
        }
        let other = response.errorCode == .noError ? ErrorCode.unknownServerError : response.errorCode
        for change in changes { change.completion(answers[change.partition] ?? .refused(other)) }
    }
}
