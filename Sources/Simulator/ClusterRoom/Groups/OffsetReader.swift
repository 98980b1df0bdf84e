import ClientCore
import Primitives
import WireMessages

/// Asks now and then what groups have committed, as an operator's tool does: it is no member, so nothing that it waits
/// for puts its question behind a commit that is under way.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class OffsetReader: @unchecked Sendable {
    private let client: SimulatedClient
    private let groups: [String]
    private let places: [TopicPartition]
    private let truth: ClusterTruth
    private let groupTruth: GroupTruth
    private var generator: SeededGenerator

    private static let pauseMillisecondsMax: UInt64 = 400

    init(
        _ client: SimulatedClient, groups: [String], places: [TopicPartition], truth: ClusterTruth,
        groupTruth: GroupTruth
    ) {
        self.client = client
        self.groups = groups
        self.places = places
        self.truth = truth
        self.groupTruth = groupTruth
        generator = client.generator()
    }

    func start() { client.loop.execute { [self] in client.refresh([]) { self.askLater() } } }

    func close() { client.close() }

    private func askLater() {
        guard !client.isClosed else { return }
        let pause = Int64(1 + generator.next() % OffsetReader.pauseMillisecondsMax)
        client.loop.schedule(afterMilliseconds: pause) { self.ask() }
    }

    private func ask() {
        guard !client.isClosed else { return }
        let group = groups[Int(generator.next() % UInt64(groups.count))]
        var request = FindCoordinatorRequest()
        request.coordinatorKeys = [group]
        client.send(request) { [self] result in
            guard case .success(let response) = result, let found = response.coordinators.first,
                found.errorCode == .noError
            else { return askLater() }
            if client.view.brokers[found.nodeID] == nil { client.refresh([]) {} }
            ask(found.nodeID, of: group)
        }
    }

    private func ask(_ coordinator: BrokerID, of group: String) {
        let request = CommittedOffsets.request(group: group, places: places)
        client.send(request, to: coordinator, maxVersion: CommittedOffsets.versionMax) { [self] result in
            if case .success(let response) = result {
                for (place, told) in CommittedOffsets.answer(response).offsets.sorted(by: { $0.key < $1.key }) {
                    let key = GroupPlace(group: group, place: place)
                    if let reason = groupTruth.offsets.shown(key, told.offset) { truth.violated(reason) }
                    truth.reach("an operator is told a committed offset")
                }
            }
            askLater()
        }
    }
}
