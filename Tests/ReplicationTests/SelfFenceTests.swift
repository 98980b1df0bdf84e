import Primitives
import Replication
import Testing

@Suite("Self-fence of a leader")
struct SelfFenceTests {
    private func isCutOff(_ fixture: LeaderFixture) -> Bool {
        fixture.leader.isCutOff(now: fixture.now, silenceMilliseconds: 1_500)
    }

    @Test("A leader is cut off when too few followers to make min.insync.replicas fetched for half a session")
    func silence() {
        let fixture = LeaderFixture(minInSync: 2)
        fixture.wait(milliseconds: 1_000)
        fixture.fetch(LeaderFixture.second, at: 0)
        fixture.wait(milliseconds: 1_499)
        #expect(!isCutOff(fixture))
        fixture.wait(milliseconds: 1)
        #expect(isCutOff(fixture))
        fixture.fetch(LeaderFixture.third, at: 0)
        #expect(!isCutOff(fixture))
    }

    @Test("A leader that has just begun has had no time to be heard")
    func justBegan() {
        let fixture = LeaderFixture(minInSync: 2)
        fixture.wait(milliseconds: 1_499)
        #expect(!isCutOff(fixture))
        fixture.wait(milliseconds: 1)
        #expect(isCutOff(fixture))
    }

    @Test("Every follower that min.insync.replicas needs must be heard")
    func needsTwo() {
        let fixture = LeaderFixture(minInSync: 3)
        fixture.wait(milliseconds: 2_000)
        fixture.fetch(LeaderFixture.second, at: 0)
        #expect(isCutOff(fixture))
        fixture.fetch(LeaderFixture.third, at: 0)
        #expect(!isCutOff(fixture))
    }

    @Test("Who is not in the ISR, or fetches from an earlier life, does not count")
    func countsOnlyInSync() {
        let fixture = LeaderFixture(inSync: [1, 2], minInSync: 2)
        fixture.wait(milliseconds: 2_000)
        fixture.fetch(LeaderFixture.third, at: 0)
        #expect(isCutOff(fixture))
        #expect(fixture.fetch(LeaderFixture.second, at: 0, brokerEpoch: 9) == .notLeaderOrFollower)
        #expect(isCutOff(fixture))
    }

    @Test("A partition with one replica, or one that needs no follower, is never cut off")
    func needsNobody() {
        let alone = LeaderFixture(inSync: [1], replicas: [1], minInSync: 2)
        alone.wait(milliseconds: 60_000)
        #expect(!isCutOff(alone))
        let undemanding = LeaderFixture(minInSync: 1)
        undemanding.wait(milliseconds: 60_000)
        #expect(!isCutOff(undemanding))
    }
}
