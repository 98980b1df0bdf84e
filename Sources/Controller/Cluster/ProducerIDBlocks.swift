import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Producer ids in one block.
    static let producerIDBlockSize: Int32 = 1_000

    /// Gives a broker the next block of producer ids.
    ///
    /// - Errors: STALE_BROKER_EPOCH where the broker is not registered with that epoch.
    package func allocateProducerIDs(_ request: AllocateProducerIdsRequest) -> Decision<AllocateProducerIdsResponse> {
        var response = AllocateProducerIdsResponse()
        guard let broker = image.brokers[request.brokerID], broker.epoch == request.brokerEpoch else {
            response.errorCode = .staleBrokerEpoch
            return Decision(reply: response)
        }
        let first = image.nextProducerID
        var record = ProducerIdsRecord()
        record.brokerID = request.brokerID
        record.brokerEpoch = request.brokerEpoch
        record.nextProducerID = ProducerID(first.value + Int64(ClusterController.producerIDBlockSize))
        response.producerIDStart = first
        response.producerIDLen = ClusterController.producerIDBlockSize
        return Decision([.producerIDs(record)], reply: response)
    }
}
