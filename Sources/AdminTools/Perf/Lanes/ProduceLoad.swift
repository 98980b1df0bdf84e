import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol
import World

/// The same batch, produced again and again to one partition.
struct ProduceLoad: LaneLoad {
    /// The last version with topic names, so that a load needs no topic id.
    static let version: Int16 = 12

    private let template: Bytes
    private let batchBytes: Int
    private var left: Int

    /// - Parameter count: How many requests are sent.
    init(place: TopicPartition, batch: Bytes, acks: Int16, count: Int) {
        template = WireFrame.request(
            ProduceLoad.request(place: place, batch: batch, acks: acks), version: ProduceLoad.version,
            correlationID: CorrelationID(0), clientID: "martlet-perf")
        batchBytes = batch.count
        left = count
    }

    static func request(place: TopicPartition, batch: Bytes, acks: Int16) -> ProduceRequest {
        var partition = ProduceRequest.PartitionProduceData()
        partition.index = place.partition.value
        partition.records = batch
        var topic = ProduceRequest.TopicProduceData()
        topic.name = place.topic
        topic.partitionData = [partition]
        var request = ProduceRequest()
        request.acks = acks
        request.timeoutMilliseconds = 30_000
        request.topicData = [topic]
        return request
    }

    /// A batch of at most `batchBytes` (but one record at least), of records with `recordBytes` of noise each.
    static func batch(batchBytes: Int, recordBytes: Int, now: Timestamp) -> Bytes {
        var noise = SeededGenerator(seed: 1)
        var builder = RecordBatchBuilder()
        var value = Bytes.empty
        repeat {
            value = Bytes((0..<recordBytes).map { _ in UInt8(truncatingIfNeeded: noise.next()) })
            builder.append(timestamp: now, key: nil, value: value)
        } while builder.sizeInBytes + RecordBatchBuilder.recordSizeMax(key: nil, value: value) <= batchBytes
        return builder.finish()
    }

    mutating func next(_ correlationID: Int32) -> [Segment]? {
        if left == 0 { return nil }
        left -= 1
        // Length, key and version stand before the correlation id.
        let correlation = Bytes(MemoryRegion(count: 4), start: 0, count: 4)
        correlation.patch(correlationID, at: 0)
        return [.bytes(template[0..<8]), .bytes(correlation), .bytes(template[12..<template.count])]
    }

    mutating func answered(_ frame: Bytes) throws(ClientError) -> Int {
        let response: ProduceResponse
        do throws(WireError) {
            // The header ends with its tagged fields, of which there are none.
            response = try ProduceResponse.decode(frame[1..<frame.count], version: ProduceLoad.version)
        } catch {
            throw ClientError(.connection, "unreadable answer: \(error)")
        }
        for topic in response.responses {
            for partition in topic.partitionResponses where partition.errorCode != .noError {
                throw ClientError(code: partition.errorCode, message: partition.errorMessage)
            }
        }
        return batchBytes
    }
}
