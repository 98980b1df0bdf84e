import Coordinators
import Metadata
import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

@Suite("The group coordinator of a broker") struct GroupCoordinatorHostTests {
    private func errorOf(_ answer: PendingAnswer<OffsetCommitResponse>) -> ErrorCode? {
        answer.response?.topics.first?.partitions.first?.errorCode
    }

    private func offset(_ response: OffsetFetchResponse) -> Int64? {
        response.groups.first?.topics.first?.partitions.first?.committedOffset.value
    }

    @Test("Rule 31: without leadership NOT_COORDINATOR, while loading COORDINATOR_LOAD_IN_PROGRESS, then the answer")
    func phases() throws {
        let broker = GroupsUnderTest()
        #expect(errorOf(try broker.commit(1)) == .notCoordinator)
        broker.log.lead(in: LeaderEpoch(5))
        broker.log.state.withLock { $0.epochStart = Offset(1) }
        try broker.createTopics(leader: 1, epoch: 5)
        #expect(errorOf(try broker.commit(1)) == .coordinatorLoadInProgress)
        #expect(try broker.fetch().groups.first?.errorCode == .coordinatorLoadInProgress)
        let heartbeat = try broker.call(HeartbeatHandler(broker.groups), version: 4) { $0.groupID = "g" }
        #expect(heartbeat.response?.errorCode == .noError, "a member is not sent away while its group is loading")
        broker.log.state.withLock { $0.epochStart = .zero }
        broker.loop.pass(milliseconds: 20)
        #expect(errorOf(try broker.commit(1)) == .noError)
        try broker.changeLeader(to: 2)
        #expect(errorOf(try broker.commit(1)) == .notCoordinator)
    }

    @Test("Rule 31: late news of leadership change nothing")
    func lateNews() throws {
        let broker = try GroupsUnderTest.leading()
        let shard = try #require(broker.groups.shard(of: "g"))
        _ = try broker.commit(7)
        shard.resign(for: LeaderEpoch(4))
        #expect(offset(try broker.fetch()) == 7)
        shard.lead(in: LeaderEpoch(5))
        #expect(offset(try broker.fetch()) == 7, "the same epoch is not loaded twice")
        shard.lead(in: LeaderEpoch(4))
        #expect(offset(try broker.fetch()) == 7)
    }

    @Test("Rule 32: a commit is answered and read when the log has committed it")
    func waitsForCommit() throws {
        let broker = try GroupsUnderTest.leading()
        broker.log.state.withLock { $0.commitsAtOnce = false }
        let answer = try broker.commit(7)
        #expect(answer.response == nil)
        #expect(offset(try broker.fetch()) == -1)
        broker.loop.run { [log = broker.log] in log.commit() }
        #expect(errorOf(answer) == .noError)
        #expect(offset(try broker.fetch()) == 7)
    }

    @Test("Rule 33: a commit in flight is lost with the leadership, or found in the new coordinator's log")
    func moves() throws {
        let broker = try GroupsUnderTest.leading()
        _ = try broker.commit(7)
        broker.log.state.withLock { $0.commitsAtOnce = false }
        let inFlight = try broker.commit(8)
        try broker.changeLeader(to: 2)
        #expect(errorOf(inFlight) == .notCoordinator)
        // The new leader's followers have it: the next coordinator sees it as committed.
        broker.log.lead(in: LeaderEpoch(7))
        try broker.changeLeader(to: 1)
        #expect(errorOf(try broker.commit(9)) == .coordinatorLoadInProgress)
        broker.log.commit()
        broker.loop.pass(milliseconds: 20)
        #expect(offset(try broker.fetch()) == 8)
    }

    @Test("a refused or late write is told to the client in the coordinator's words")
    func failedWrites() throws {
        let broker = try GroupsUnderTest.leading()
        broker.log.state.withLock { $0.refusal = .notEnoughReplicas }
        #expect(errorOf(try broker.commit(1)) == .coordinatorNotAvailable)
        broker.log.state.withLock { state in
            state.refusal = nil
            state.commitsAtOnce = false
        }
        let late = try broker.commit(2)
        broker.loop.pass(milliseconds: 5_000)
        #expect(errorOf(late) == .coordinatorNotAvailable)
        let undersized = try broker.commit(3)
        broker.loop.run { [log = broker.log] in
            let waiting = log.state.withLock { $0.waiting }
            waiting.last?.decided(.notEnoughReplicasAfterAppend)
        }
        #expect(errorOf(undersized) == .coordinatorNotAvailable)
        #expect(offset(try broker.fetch()) == 3, "the watermark has passed it: it counts")
    }

    @Test("a member that is silent for its session is out, without any request")
    func sessionsEnd() throws {
        let broker = try GroupsUnderTest.leading()
        let joined = try broker.call(broker.join, version: 3) { request in
            request.groupID = "g"
            request.sessionTimeoutMilliseconds = 10_000
            request.rebalanceTimeoutMilliseconds = 10_000
            request.protocolType = "consumer"
            var range = JoinGroupRequest.JoinGroupRequestProtocol()
            range.name = "range"
            request.protocols = [range]
        }.required()
        #expect(joined.errorCode == .noError)
        broker.loop.pass(milliseconds: 10_001)
        let described = try broker.call(DescribeGroupsHandler(broker.groups), version: 5) { $0.groups = ["g"] }
        #expect(described.response?.groups.first?.groupState == "Empty")
    }

    @Test("a topic that is deleted takes its committed offsets along; so does the offsets topic itself")
    func deletedTopics() throws {
        let broker = try GroupsUnderTest.leading()
        _ = try broker.commit(7)
        var removal = RemoveTopicRecord()
        removal.topicID = GroupsUnderTest.dataTopicID
        try broker.publish([.removeTopic(removal)])
        #expect(offset(try broker.fetch()) == -1)
        removal.topicID = GroupsUnderTest.offsetsTopicID
        try broker.publish([.removeTopic(removal)])
        #expect(try broker.fetch().groups.first?.errorCode == .notCoordinator)
    }
}
