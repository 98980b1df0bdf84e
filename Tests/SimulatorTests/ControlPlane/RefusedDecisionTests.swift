import Controller
import Logging
import Metadata
import Primitives
import Simulator
import Testing
import WireMessages
import World

@testable import BrokerServer

/// An active controller whose metadata log takes nothing for a while: it was held up, and has not heard a majority yet.
@Suite("Refused decisions")
struct RefusedDecisionTests {
    /// A log of one node. `@unchecked Sendable`: a simulation has one thread.
    private final class SoleLog: MetadataLog, @unchecked Sendable {
        var refuses = false
        private(set) var logEndOffset = Offset(1)

        func append(_ records: [Bytes], expecting epoch: LeaderEpoch) -> Offset? {
            if refuses { return nil }
            logEndOffset = logEndOffset + Int64(records.count)
            return Offset(logEndOffset.value - 1)
        }
        func resign(_ epoch: LeaderEpoch) {}
        func listen(_ listener: any MetadataLogListener) {}
        var leader: QuorumLeader { QuorumLeader(id: BrokerID(1), epoch: LeaderEpoch(1)) }
        var hasLostQuorum: Bool { refuses }
        var highWatermark: Offset? { logEndOffset }
    }

    private let time = VirtualTime(seed: 1)
    private let metadataLog = SoleLog()
    private let world: World
    private let host: ControllerHost

    init() {
        let loop = VirtualLoop(time: time)
        world = World(
            clock: VirtualClock(time: time), randomness: VirtualRandomness(time: time),
            files: VirtualFiles(time: time), network: VirtualNetwork(time: time).view(of: 1), loops: [loop],
            controlLoop: loop, pool: VirtualPool(time: time))
        let log = Logger(label: "node-1") { _ in SwiftLogNoOpLogHandler() }
        host = ControllerHost(
            configuration: ControllerConfiguration(clusterID: "test"), metadataLog: metadataLog,
            publisher: MetadataPublisher(cache: MetadataCache()),
            detector: FailureDetector(listenerName: "PLAINTEXT", world: world, log: log), world: world, log: log)
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        world.controlLoop.execute(work)
        time.run(forMilliseconds: 1)
    }

    /// Registers a broker and lets it in.
    private func join(_ id: BrokerID) {
        var registration = BrokerRegistrationRequest()
        registration.brokerID = id
        registration.clusterID = "test"
        registration.incarnationID = UUID128(high: 1, low: UInt64(id.value))
        var listener = BrokerRegistrationRequest.Listener()
        listener.name = "PLAINTEXT"
        listener.host = "nowhere"
        listener.port = 9092
        registration.listeners = [listener]
        registration.features = ClusterFeatures.supported.map {
            var feature = BrokerRegistrationRequest.Feature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.levels.lowerBound
            feature.maxSupportedVersion = $0.levels.upperBound
            return feature
        }
        registration.logDirs = [DirectoryID(high: 1, low: UInt64(id.value))]
        registration.settings = []
        let request = registration
        onLoop { [host] in
            host.decide(
                { controller, next, now in
                    let decision = controller.registerBroker(request, nextOffset: next, now: now)
                    controller.sessions.start(id, epoch: decision.reply.brokerEpoch, now: now)
                    return decision
                }, answer: { _ in })
        }
        onLoop { [host] in
            var heartbeat = BrokerHeartbeatRequest()
            heartbeat.brokerID = id
            heartbeat.brokerEpoch = host.controller?.image.brokers[id]?.epoch ?? BrokerEpoch(-1)
            let request = heartbeat
            host.decide(
                { controller, next, now in
                    var request = request
                    request.currentMetadataOffset = Offset(next.value - 1)
                    return controller.heartbeat(request, nextOffset: next, now: now)
                }, answer: { _ in })
        }
    }

    @Test("Its look for silent brokers ends, and finds them again once it may write", .timeLimit(.minutes(1)))
    func silentBrokers() {
        onLoop { [host] in
            host.becameLeader(epoch: LeaderEpoch(1), startOffset: .zero)
            host.committed(upTo: Offset(1))
        }
        join(BrokerID(2))
        join(BrokerID(3))
        #expect(host.controller?.image.brokers.sorted.map(\.isFenced) == [false, false])
        metadataLog.refuses = true
        time.run(forMilliseconds: 5_000)
        #expect(host.isActive && host.detections.isEmpty)
        #expect(host.controller?.image.brokers.sorted.map(\.isFenced) == [false, false])
        metadataLog.refuses = false
        time.run(forMilliseconds: 100)
        #expect(host.detections == [.session: 2])
        #expect(host.controller?.image.brokers.sorted.map(\.isFenced) == [true, true])
    }
}
