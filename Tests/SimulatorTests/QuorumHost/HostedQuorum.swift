import Logging
import Primitives
import Quorum
import Simulator
import Synchronization
import World

@testable import BrokerServer

/// Voters of one quorum with their files and connections, and nothing else of a node, in one virtual world.
final class HostedQuorum {
    /// What one node's listener heard; it keeps all records, and writes them as its snapshots.
    final class Heard: MetadataLogListener {
        struct State {
            var records: [String] = []
            var end = Offset.zero
            var snapshots: [Offset] = []
            var led: [LeaderEpoch] = []
        }

        private let state = Mutex(State())
        var now: State { state.withLock { $0 } }

        func committed(_ batches: [CommittedBatch]) {
            state.withLock { state in
                for batch in batches {
                    precondition(batch.baseOffset == state.end, "a gap in what is committed")
                    state.records += batch.records.map { String(decoding: $0.array, as: UTF8.self) }
                    state.end = batch.endOffset
                }
            }
        }

        func snapshotLoaded(_ snapshot: LoadedSnapshot) {
            state.withLock { state in
                state.records = snapshot.records.map { String(decoding: $0.array, as: UTF8.self) }
                state.end = snapshot.endOffset
                state.snapshots.append(snapshot.endOffset)
            }
        }

        func becameLeader(epoch: LeaderEpoch, startOffset: Offset) { state.withLock { $0.led.append(epoch) } }
        func lostLeadership(epoch: LeaderEpoch) {}
        func leaderChanged(_ leader: QuorumLeader) {}
        func snapshotRecords() -> [Bytes]? { state.withLock { $0.records.map { Bytes(utf8: $0) } } }
    }

    final class Node: Sendable {
        let host: QuorumHost
        let heard = Heard()
        let asked = AskedOfNode()
        let loop: VirtualLoop
        private let listener: RequestListener
        private let endpoint: Endpoint
        private let world: World
        private let network: TrackedNetwork
        private let virtual: VirtualNetwork
        private let id: Int32

        init(
            _ id: Int32, _ options: Options, files: VirtualFiles, network virtual: VirtualNetwork, time: VirtualTime
        ) {
            self.id = id
            self.virtual = virtual
            network = TrackedNetwork(virtual.view(of: Int(id)))
            loop = VirtualLoop(time: time)
            world = World(
                clock: VirtualClock(time: time), randomness: VirtualRandomness(time: time), files: files,
                network: network, loops: [loop], controlLoop: loop, pool: VirtualPool(time: time))
            var setup = QuorumSetup(
                nodeID: BrokerID(id), directoryID: DirectoryID(high: 7, low: time.draw()),
                voters: ControlNode.voters([1, 2, 3]), logDirectory: "meta")
            setup.snapshotBytes = options.snapshotBytes
            setup.snapshotFetchBytesMax = options.snapshotFetchBytes
            let log = Logger(label: "node-\(id)") { _ in SwiftLogNoOpLogHandler() }
            let reason = Reason()
            host = QuorumHost(setup, world: world, logger: log) { reason.set("\($0)") }
            self.reason = reason
            host.listen(heard)
            var table = HandlerTable()
            Node.register(host, asked, isOlder: options.older.contains(id), in: &table)
            table.register(ApiVersionsHandler(table) { FeatureReport() })
            listener = RequestListener(
                ListenerIdentity(name: "CONTROLLER", kind: .controller), table: table,
                limits: ClientLimits(RequestLimits()), clock: world.clock, log: log)
            endpoint = Endpoint(host: "node-\(id)", port: ControlNode.controllerPort(id))
        }

        private static func register(
            _ host: QuorumHost, _ asked: AskedOfNode, isOlder: Bool, in table: inout HandlerTable
        ) {
            let (vote, fetch) = (VoteHandler(host), MetadataFetchHandler(host))
            if isOlder {
                table.register(VoteOfOlderNode(inner: vote, asked: asked))
                table.register(FetchOfOlderNode(inner: fetch, asked: asked))
            } else {
                table.register(vote)
                table.register(fetch)
            }
            table.register(BeginQuorumEpochHandler(host))
            table.register(EndQuorumEpochHandler(host))
            table.register(NotingFetchSnapshot(inner: FetchSnapshotHandler(host), asked: asked))
            table.register(DescribeQuorumHandler(host))
            table.register(UpdateRaftVoterHandler(host))
        }

        private let reason: Reason
        var failure: String? { reason.now }

        final class Reason: Sendable {
            private let state = Mutex<String?>(nil)
            func set(_ reason: String) { state.withLock { $0 = reason } }
            var now: String? { state.withLock { $0 } }
        }

        func start() {
            loop.execute { [self] in
                do {
                    _ = try listener.open(at: endpoint, in: world)
                    try host.start()
                } catch { reason.set("\(error)") }
            }
        }

        func append(_ records: [String]) {
            loop.execute { [host] in
                _ = host.append(records.map { Bytes(utf8: $0) }, expecting: host.leader.epoch)
            }
        }

        func crash() {
            loop.crash()
            virtual.closePorts(of: Int(id))
            network.crash()
        }
    }

    struct Options {
        var snapshotBytes: Int64 = 1 << 20
        var snapshotFetchBytes: Int32 = 8 << 20
        /// Nodes that answer no version that Kafka 3.9 does not.
        var older: Set<Int32> = []
    }

    let time: VirtualTime
    let network: VirtualNetwork
    private(set) var nodes: [Int32: Node] = [:]
    private(set) var files: [Int32: VirtualFiles] = [:]
    private let options: Options

    init(seed: UInt64, _ adjust: (inout Options) -> Void = { _ in }) {
        time = VirtualTime(seed: seed)
        network = VirtualNetwork(time: time)
        var options = Options()
        adjust(&options)
        self.options = options
        for id: Int32 in 1...3 { start(id) }
    }

    func start(_ id: Int32) {
        let disk = files[id] ?? VirtualFiles(time: time)
        files[id] = disk
        let node = Node(id, options, files: disk, network: network, time: time)
        nodes[id] = node
        node.start()
    }

    func crash(_ id: Int32, losingPower: Bool = false) {
        nodes[id]?.crash()
        nodes[id] = nil
        losingPower ? files[id]?.losePower() : files[id]?.endProcess()
    }

    /// The node that leads, when one does and is known to itself.
    var leader: Int32? {
        nodes.keys.sorted().first { nodes[$0]?.host.leader.id?.value == $0 }
    }

    /// Runs until `condition` holds; false if it does not in `limit` milliseconds.
    func run(until condition: () -> Bool, limit: Int64 = 10_000) -> Bool {
        let end = time.now.advanced(byMilliseconds: limit)
        while !condition() {
            guard time.runNext(before: end) else { return false }
        }
        return true
    }

    /// Appends at whoever leads, and waits until all running nodes have it.
    func write(_ records: [String]) -> Bool {
        guard run(until: { leader != nil }), let leader else { return false }
        nodes[leader]?.append(records)
        return run(until: { nodes.values.allSatisfy { $0.heard.now.records.last == records.last } })
    }
}
