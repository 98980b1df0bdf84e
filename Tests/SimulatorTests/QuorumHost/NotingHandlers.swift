import Primitives
import Quorum
import Synchronization
import WireMessages

@testable import BrokerServer

/// What was asked of a node, and in which versions.
final class AskedOfNode: Sendable {
    struct Vote: Hashable, Sendable {
        let epoch: Int32
        let version: Int16
    }

    struct Piece: Hashable, Sendable {
        let end: Offset
        let position: Int64
        let maxBytes: Int32
    }

    private let state = Mutex((votes: [Vote](), pieces: [Piece](), fetchVersions: Set<Int16>()))

    var votes: [Vote] { state.withLock { $0.votes } }
    var pieces: [Piece] { state.withLock { $0.pieces } }
    var fetchVersions: Set<Int16> { state.withLock { $0.fetchVersions } }

    func note(_ vote: Vote) { state.withLock { $0.votes.append(vote) } }
    func note(_ piece: Piece) { state.withLock { $0.pieces.append(piece) } }
    func note(fetchVersion: Int16) { state.withLock { _ = $0.fetchVersions.insert(fetchVersion) } }
}

/// Vote as Kafka 3.9 answers it: without pre-votes.
struct VoteOfOlderNode: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1
    static let listeners = ListenerKinds.controller
    let inner: VoteHandler
    let asked: AskedOfNode

    func handle(_ request: VoteRequest, _ context: RequestContext, _ reply: Reply<VoteResponse>) {
        let epoch = request.topics.first?.partitions.first?.replicaEpoch ?? -1
        asked.note(AskedOfNode.Vote(epoch: epoch, version: context.version))
        inner.handle(request, context, reply)
    }
}

/// Fetch of the metadata log as Kafka 4.0 answers it: without the asker's high watermark.
struct FetchOfOlderNode: RequestHandler {
    static let versions: ClosedRange<Int16> = 4...17
    static let listeners = ListenerKinds.controller
    let inner: MetadataFetchHandler
    let asked: AskedOfNode

    func handle(_ request: FetchRequest, _ context: RequestContext, _ reply: Reply<FetchResponse>) {
        asked.note(fetchVersion: context.version)
        inner.handle(request, context, reply)
    }
}

/// FetchSnapshot that takes down which pieces are asked for.
struct NotingFetchSnapshot: RequestHandler {
    static let versions: ClosedRange<Int16> = FetchSnapshotHandler.versions
    static let listeners = ListenerKinds.controller
    let inner: FetchSnapshotHandler
    let asked: AskedOfNode

    func handle(_ request: FetchSnapshotRequest, _ context: RequestContext, _ reply: Reply<FetchSnapshotResponse>) {
        if let part = request.topics.first?.partitions.first {
            asked.note(
                AskedOfNode.Piece(
                    end: part.snapshotID.endOffset, position: part.position, maxBytes: request.maxBytes))
        }
        inner.handle(request, context, reply)
    }
}
