import ClientCore
import MartletClient
import Primitives
import WireMessages
import WireProtocol
import World

/// Fetches of one partition from its start, of which only the batch headers are looked at.
struct ConsumeLoad: LaneLoad {
    /// The last version with topic names, so that a load needs no topic id.
    static let version: Int16 = 12
    /// So many empty answers in a row are the end of the partition.
    private static let emptyAnswersMax = 3

    private let place: TopicPartition
    private let fetchBytes: Int32
    private var bytesLeft: Int
    private var position = Offset.zero
    private var emptyAnswers = 0

    init(place: TopicPartition, fetchBytes: Int32, bytes: Int) {
        self.place = place
        self.fetchBytes = fetchBytes
        bytesLeft = bytes
    }

    mutating func next(_ correlationID: Int32) -> [Segment]? {
        if bytesLeft <= 0 || emptyAnswers == ConsumeLoad.emptyAnswersMax { return nil }
        var partition = FetchRequest.FetchPartition()
        partition.partition = place.partition
        partition.fetchOffset = position
        partition.partitionMaxBytes = fetchBytes
        var topic = FetchRequest.FetchTopic()
        topic.topic = place.topic
        topic.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMilliseconds = 500
        request.minBytes = 1
        request.maxBytes = fetchBytes
        request.topics = [topic]
        let frame = WireFrame.request(
            request, version: ConsumeLoad.version, correlationID: CorrelationID(correlationID),
            clientID: "martlet-perf")
        return [.bytes(frame)]
    }

    mutating func answered(_ frame: Bytes) throws(ClientError) -> Int {
        let response: FetchResponse
        do throws(WireError) {
            response = try FetchResponse.decode(frame[1..<frame.count], version: ConsumeLoad.version)
        } catch {
            throw ClientError(.connection, "unreadable answer: \(error)")
        }
        if response.errorCode != .noError { throw ClientError(code: response.errorCode) }
        guard let partition = response.responses.first?.partitions.first else {
            throw ClientError(.connection, "an answer without the partition")
        }
        if partition.errorCode != .noError { throw ClientError(code: partition.errorCode) }
        let got = advance(over: partition.records ?? .empty)
        emptyAnswers = got == 0 ? emptyAnswers + 1 : 0
        bytesLeft -= got
        return got
    }

    /// Moves behind the last whole batch; returns the bytes of the whole ones.
    private mutating func advance(over records: Bytes) -> Int {
        var at = 0
        while records.count - at >= RecordBatchHeader.sizeInBytes {
            guard let header = try? RecordBatchHeader(records, at: at), at + header.sizeInBytes <= records.count else {
                break
            }
            position = header.nextOffset
            at += header.sizeInBytes
        }
        return at
    }
}
