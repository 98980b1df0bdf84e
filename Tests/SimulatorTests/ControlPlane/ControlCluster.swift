import BrokerServer
import Metadata
import Primitives
import Simulator
import Synchronization
import Testing
import WireMessages
import WireProtocol
import World

/// Nodes of one quorum in one virtual world, and a client that asks them.
final class ControlCluster {
    let time: VirtualTime
    let network: VirtualNetwork
    private(set) var nodes: [Int32: ControlNode] = [:]
    private var files: [Int32: VirtualFiles] = [:]
    private var lives: [Int32: UInt64] = [:]
    private let ids: [Int32]
    private let segmentBytes: Int64?
    private let clientLoop: VirtualLoop

    /// - Parameter segmentBytes: of the metadata log.
    init(seed: UInt64, nodes ids: [Int32] = [1, 2, 3], segmentBytes: Int64? = nil) {
        self.segmentBytes = segmentBytes
        time = VirtualTime(seed: seed)
        network = VirtualNetwork(time: time)
        clientLoop = VirtualLoop(time: time)
        self.ids = ids
        for id in ids { start(id) }
    }

    func start(_ id: Int32, cleanlyEnded: BrokerEpoch? = nil) {
        if files[id] == nil { files[id] = VirtualFiles(time: time) }
        lives[id, default: 0] += 1
        let node = ControlNode(
            id, of: ids, life: lives[id]!, files: files[id]!, network: network, time: time, cleanlyEnded: cleanlyEnded,
            segmentBytes: segmentBytes)
        nodes[id] = node
        node.start()
    }

    func crash(_ id: Int32) {
        nodes[id]?.crash()
        nodes[id] = nil
        files[id]?.endProcess()
    }

    /// Milliseconds until `condition` holds; nil if it does not within the limit.
    func milliseconds(until condition: () -> Bool, limit: Int64 = 10_000) -> Int64? {
        let start = time.now
        let end = start.advanced(byMilliseconds: limit)
        while !condition() {
            guard time.runNext(before: end) else { return nil }
        }
        return time.now.milliseconds(since: start)
    }

    var active: Int32? { nodes.values.filter { $0.controller.isActive }.map(\.id).min() }

    func allRunning() -> Bool { nodes.values.allSatisfy { $0.isRunning.withLock { $0 } } }

    /// Asks a node as a client would; nil where there is no answer in the time.
    func ask<Request: WireRequest>(_ id: Int32, _ request: Request) -> Request.Response? {
        let answer = Mutex<Result<Request.Response, PeerError>?>(nil)
        let connection = PeerConnection(
            to: Endpoint(host: "node-\(id)", port: ControlNode.clientPort(id)), clientID: "test",
            network: network.view(of: 99), clock: VirtualClock(time: time), loop: clientLoop)
        connection.send(request, timeoutMilliseconds: 5_000) { result in answer.withLock { $0 = result } }
        _ = milliseconds(until: { answer.withLock { $0 != nil } })
        connection.shutDown()
        return try? answer.withLock { $0 }?.get()
    }

    func createTopic(_ name: String, at id: Int32, partitions: Int32 = 3) -> ErrorCode? {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = 3
        var request = CreateTopicsRequest()
        request.topics = [topic]
        return ask(id, request)?.topics.first?.errorCode
    }

    /// Who leads partition 0 of a topic, as a node's clients are told.
    func leader(of topic: String, toldBy id: Int32) -> BrokerID? {
        nodes[id]?.cache.current.topics[name: topic]?.partitions.first?.leader
    }
}
