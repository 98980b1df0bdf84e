import ClientCore
import Primitives
import Testing
import WireMessages

@Suite("A member by the consumer protocol") struct ConsumerMembershipTests {
    typealias Share = ConsumerMembership.Share

    private static let topic = UUID128(high: 7, low: 1)

    private static func shares(_ partitions: Int32...) -> [Share] {
        partitions.map { Share(topic, PartitionIndex($0)) }
    }

    /// A member with its clock and what it was told to send.
    private struct Scene {
        var member: ConsumerMembership
        var now = MonotonicInstant(0)
        var generator = SeededGenerator(seed: 1)

        init(instance: String? = nil) {
            var settings = ConsumerMembership.Settings(
                groupID: "g", memberID: "m", topics: ["t"], instanceID: instance)
            settings.rebalanceTimeoutMilliseconds = 60_000
            member = ConsumerMembership(settings: settings)
        }

        mutating func sent() -> ConsumerGroupHeartbeatRequest? {
            while let effect = member.advance(now: now) {
                switch effect {
                case .findCoordinator: member.coordinatorFound()
                case .heartbeat(let request): return request
                }
            }
            return nil
        }

        mutating func answered(
            epoch: Int32, _ partitions: [Int32]? = nil, error: ErrorCode = .noError
        ) -> [ConsumerMembership.Change] {
            var response = ConsumerGroupHeartbeatResponse()
            response.errorCode = error
            response.memberEpoch = epoch
            response.heartbeatIntervalMilliseconds = 1_000
            response.assignment = partitions.map { partitions in
                var topic = ConsumerGroupHeartbeatResponse.TopicPartitions()
                topic.topicID = ConsumerMembershipTests.topic
                topic.partitions = partitions.map { PartitionIndex($0) }
                var assignment = ConsumerGroupHeartbeatResponse.Assignment()
                assignment.topicPartitions = [topic]
                return assignment
            }
            return member.answered(response, now: now, using: &generator)
        }
    }

    private func owned(_ request: ConsumerGroupHeartbeatRequest?) -> [Int32]? {
        request?.topicPartitions?.flatMap { $0.partitions.map(\.value) }
    }

    @Test("Another subscription is told at once, also one that changes while a heartbeat is under way")
    func subscribesAnew() throws {
        var scene = Scene()
        #expect(scene.sent()?.subscribedTopicNames == ["t"])
        scene.member.subscribe(to: ["t", "u"])
        #expect(scene.sent() == nil, "one heartbeat at a time")
        #expect(scene.answered(epoch: 1, []).isEmpty)
        #expect(scene.member.nextWake == MonotonicInstant(0))
        #expect(scene.sent()?.subscribedTopicNames == ["t", "u"])
        #expect(scene.answered(epoch: 2).isEmpty)
        scene.member.subscribe(to: ["t", "u"])
        #expect(scene.sent() == nil, "nothing new")
        // What nobody answered is said again.
        scene.member.subscribe(to: ["u"])
        #expect(scene.sent()?.subscribedTopicNames == ["u"])
        scene.member.unanswered(now: scene.now, using: &scene.generator)
        scene.now = scene.now.advanced(byMilliseconds: 1_000)
        #expect(scene.sent()?.subscribedTopicNames == ["u"])
    }

    @Test("it joins with all that it is, takes its share, and says at once that it has it")
    func joining() {
        var scene = Scene()
        let join = scene.sent()
        #expect(join?.memberEpoch == 0 && join?.subscribedTopicNames == ["t"] && owned(join) == [])
        #expect(join?.rebalanceTimeoutMilliseconds == 60_000)
        #expect(scene.member.advance(now: scene.now) == nil, "one heartbeat at a time")
        #expect(scene.answered(epoch: 3, [0, 1]) == [.assigned(Self.shares(0, 1))])
        let next = scene.sent()
        #expect(next?.memberEpoch == 3 && next?.subscribedTopicNames == nil && owned(next) == [0, 1])
        #expect(scene.answered(epoch: 3) == [] && scene.member.isStable)
        #expect(scene.sent() == nil)
        scene.now = MonotonicInstant(0).advanced(byMilliseconds: 1_000)
        let beat = scene.sent()
        #expect(beat?.memberEpoch == 3 && beat?.topicPartitions == nil && beat?.rebalanceTimeoutMilliseconds == -1)
    }

    @Test("what it has to give up it gives up first, heartbeats go on meanwhile, and it takes only then")
    func reconciling() {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0, 1])
        _ = scene.sent()
        #expect(scene.answered(epoch: 1, [1, 2]) == [.revoked(Self.shares(0))])
        #expect(scene.member.owned == Self.shares(0, 1) && !scene.member.isStable)
        scene.now = MonotonicInstant(0).advanced(byMilliseconds: 1_000)
        let meanwhile = scene.sent()
        #expect(meanwhile?.topicPartitions == nil, "nothing is given up yet")
        #expect(scene.answered(epoch: 1) == [])
        #expect(scene.member.gaveUp() == [.assigned(Self.shares(2))])
        #expect(owned(scene.sent()) == [1, 2])
        #expect(scene.answered(epoch: 2) == [] && scene.member.epoch == 2 && scene.member.isStable)
    }

    @Test("without an answer it looks for the coordinator and says all again")
    func unanswered() {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0])
        _ = scene.sent()
        scene.member.unanswered(now: scene.now, using: &scene.generator)
        #expect(scene.sent() == nil, "it waits a little")
        scene.now = scene.now.advanced(byMilliseconds: 100)
        #expect(scene.member.advance(now: scene.now) == .findCoordinator)
        scene.member.coordinatorFound()
        let again = scene.sent()
        #expect(again?.memberEpoch == 1 && again?.subscribedTopicNames == ["t"] && owned(again) == [0])
    }

    @Test(
        "one that is fenced or unknown has lost all, and joins anew under its id",
        arguments: [ErrorCode.fencedMemberEpoch, .unknownMemberID, .groupIDNotFound])
    func fenced(_ error: ErrorCode) {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0])
        _ = scene.sent()
        #expect(scene.answered(epoch: 0, error: error) == [.lost(Self.shares(0))])
        let join = scene.sent()
        #expect(join?.memberEpoch == 0 && owned(join) == [] && join?.memberID == "m")
    }

    @Test("a static one waits for its former life, and may go for a while; an unknown error ends it")
    func others() {
        var scene = Scene(instance: "one")
        #expect(scene.member.leaveRequest(comesBack: true) == nil)
        #expect(scene.sent()?.instanceID == "one")
        #expect(scene.answered(epoch: 0, error: .unreleasedInstanceID) == [] && scene.sent() == nil)
        scene.now = scene.now.advanced(byMilliseconds: 100)
        #expect(scene.sent()?.memberEpoch == 0)
        _ = scene.answered(epoch: 4, [0])
        #expect(scene.member.leaveRequest(comesBack: true)?.memberEpoch == -2)
        #expect(scene.member.leaveRequest(comesBack: false)?.memberEpoch == -1)
        _ = scene.sent()
        #expect(
            scene.answered(epoch: 0, error: .fencedInstanceID)
                == [.lost(Self.shares(0)), .refused(.fencedInstanceID)])
        #expect(scene.sent() == nil && scene.member.nextWake == nil)
    }

    @Test("a coordinator that has moved costs no share; a commit that was stale neither")
    func moved() {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0])
        _ = scene.sent()
        #expect(scene.answered(epoch: 0, error: .notCoordinator) == [])
        scene.now = scene.now.advanced(byMilliseconds: 100)
        #expect(scene.member.advance(now: scene.now) == .findCoordinator)
        #expect(scene.member.owned == Self.shares(0) && scene.member.epoch == 1)
        scene.member.coordinatorFound()
        #expect(scene.member.failed(.staleMemberEpoch, now: scene.now, using: &scene.generator) == [])
    }

    @Test("commits that fail again and again do not put off the search for another coordinator")
    func failingCommits() {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0])
        for _ in 0..<20 {
            #expect(scene.member.failed(.notCoordinator, now: scene.now, using: &scene.generator) == [])
            scene.now = scene.now.advanced(byMilliseconds: 10)
        }
        #expect(scene.member.advance(now: scene.now) == .findCoordinator)
    }

    @Test("what it gave up while a heartbeat was under way it tells with the next")
    func gaveUpMeanwhile() {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0, 1])
        _ = scene.sent()
        #expect(scene.answered(epoch: 1, [1]) == [.revoked(Self.shares(0))])
        scene.now = MonotonicInstant(0).advanced(byMilliseconds: 1_000)
        #expect(owned(scene.sent()) == nil)
        #expect(scene.member.gaveUp() == [])
        #expect(scene.answered(epoch: 1) == [] && !scene.member.isStable)
        #expect(owned(scene.sent()) == [1])
        #expect(scene.answered(epoch: 2) == [] && scene.member.isStable)
    }

    @Test("the answer to a heartbeat of before it began anew does not take it in")
    func begunAnewMeanwhile() {
        var scene = Scene()
        _ = scene.sent()
        _ = scene.answered(epoch: 1, [0])
        _ = scene.sent()
        #expect(
            scene.member.failed(.unknownMemberID, now: scene.now, using: &scene.generator)
                == [.lost(Self.shares(0))])
        #expect(scene.answered(epoch: 1) == [])
        let join = scene.sent()
        #expect(join?.memberEpoch == 0 && owned(join) == [])
    }
}
