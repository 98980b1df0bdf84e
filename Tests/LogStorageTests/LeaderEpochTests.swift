import LogStorage
import Primitives
import Testing
import World

@Suite("Leader epochs") struct LeaderEpochTests {
    private func epochs(_ entries: (Int32, Int64)...) -> LeaderEpochs {
        var epochs = LeaderEpochs()
        for (epoch, start) in entries { epochs.assign(LeaderEpoch(epoch), startOffset: Offset(start)) }
        return epochs
    }

    private func end(_ epochs: LeaderEpochs, _ epoch: Int32, logEnd: Int64 = 100) -> [Int64]? {
        epochs.endOffset(for: LeaderEpoch(epoch), logEndOffset: Offset(logEnd))
            .map { [Int64($0.epoch.value), $0.endOffset.value] }
    }

    @Test("Rule 1: an epoch is known from its assignment on, also epoch 0 and with no record in it")
    func assigns() {
        #expect(end(epochs((0, 0)), 0) == [0, 100])
        let known = epochs((0, 0), (3, 40), (5, 100))
        #expect(end(known, 5) == [5, 100])
        #expect(known.latest?.epoch == LeaderEpoch(5))
        #expect(known.epoch(at: Offset(39)) == LeaderEpoch(0))
        #expect(known.epoch(at: Offset(40)) == LeaderEpoch(3))
    }

    @Test("Rule 2: the answer is the largest epoch at or below the asked one, and where it ends")
    func looksUp() {
        let known = epochs((2, 10), (4, 30), (7, 60))
        #expect(end(known, 7) == [7, 100])
        #expect(end(known, 6) == [4, 60])
        #expect(end(known, 4) == [4, 60])
        #expect(end(known, 3) == [2, 30])
        #expect(end(known, 2) == [2, 30])
        #expect(end(known, 1) == [1, 10], "what lay before is removed: a follower can start there")
        #expect(end(known, 9) == [7, 100])
        #expect(end(LeaderEpochs(), 3) == nil)
    }

    @Test("An epoch that starts where an earlier one does replaces it; a repeated one changes nothing")
    func contradictions() {
        #expect(
            epochs((1, 10), (2, 10))
                == { () -> LeaderEpochs in
                    var known = epochs((1, 10))
                    known.assign(LeaderEpoch(2), startOffset: Offset(10))
                    return known
                }())
        #expect(epochs((1, 10), (2, 10)).entries.map(\.epoch) == [LeaderEpoch(2)])
        #expect(epochs((1, 10), (2, 20), (2, 25)).entries.map(\.startOffset) == [Offset(10), Offset(20)])
        #expect(epochs((1, 10), (3, 20), (2, 30)).entries.map(\.epoch) == [LeaderEpoch(1), LeaderEpoch(2)])
    }

    @Test("Rule 1: truncation from both ends leaves exactly what the log has")
    func truncates() {
        var known = epochs((2, 10), (4, 30), (7, 60))
        known.truncateFromEnd(Offset(60))
        #expect(known.entries.map(\.epoch.value) == [2, 4])
        known.truncateFromEnd(Offset(31))
        #expect(known.entries.map(\.epoch.value) == [2, 4])
        known.truncateFromStart(Offset(20))
        #expect(known.entries.map(\.startOffset.value) == [20, 30])
        known.truncateFromStart(Offset(50))
        #expect(known.entries.map(\.epoch.value) == [4])
        #expect(known.entries.map(\.startOffset.value) == [50])
        known.truncateFromEnd(Offset(50))
        #expect(known.entries.isEmpty)
    }

    @Test("The checkpoint file is Kafka's text, and a torn one is recognised")
    func encodes() {
        let known = epochs((0, 0), (3, 40))
        #expect(String(decoding: known.encoded, as: UTF8.self) == "0\n2\n0 0\n3 40\n")
        #expect(LeaderEpochs(encoded: known.encoded)?.entries == known.entries)
        for length in 0..<known.encoded.count { #expect(LeaderEpochs(encoded: Array(known.encoded[..<length])) == nil) }
        #expect(LeaderEpochs(encoded: Array("0\n2\n3 40\n1 50\n".utf8)) == nil)
    }

    /// A log as a list of epochs, one batch of one record each.
    private func log(_ epochs: [Int32]) throws -> LogFixture {
        var fixture = try LogFixture()
        for (offset, epoch) in epochs.enumerated() {
            try fixture.log.appendAsFollower(batch(baseOffset: Int64(offset), epoch: epoch), now: fixture.now)
        }
        return fixture
    }

    /// The follower's part of KIP-279: ask with its last epoch, cut, ask again until the logs agree.
    private func converge(_ follower: inout LogFixture, with leader: LogFixture) throws -> Int {
        var rounds = 0
        while let asked = follower.log.latestEpoch {
            rounds += 1
            let answer = try #require(leader.log.endOffset(for: asked))
            let own = follower.log.endOffset(for: answer.epoch)?.endOffset ?? follower.log.logEndOffset
            let cut = min(own, answer.endOffset)
            let isAgreed = answer.epoch == asked && cut == follower.log.logEndOffset
            try follower.log.truncate(to: cut)
            if isAgreed || (answer.epoch == asked && follower.log.logEndOffset == cut) { break }
            try #require(rounds < 20)
        }
        return rounds
    }

    @Test(
        "Rule 2: the cases of KIP-101 and KIP-279: after the exchange the follower is a prefix of the leader",
        arguments: [
            // Leader's epochs, follower's epochs, where the logs part.
            ([0, 0, 0], [0, 0, 0], 3),
            ([0, 0, 0], [0, 0], 2),
            ([0, 0], [0, 0, 0], 2),
            ([0, 0, 2], [0, 0, 1], 2),
            ([0, 0, 2, 2], [0, 0, 1, 1, 1], 2),
            ([0, 1, 1, 3], [0, 0, 0, 2], 1),
            ([0, 1, 3, 3, 5], [0, 1, 2, 2, 4], 2),
            ([0, 1, 1, 4], [0, 1, 2, 3], 2),
            ([0, 0, 3], [0, 0, 0, 0, 0], 2),
            ([2, 2], [0, 1, 1], 0),
            ([0, 2, 2, 2], [0, 1], 1),
        ] as [([Int32], [Int32], Int)])
    func divergence(leader: [Int32], follower: [Int32], common: Int) throws {
        let leaderLog = try log(leader)
        var followerLog = try log(follower)
        _ = try converge(&followerLog, with: leaderLog)
        #expect(followerLog.log.logEndOffset.value == Int64(common))
        let contents = try followerLog.contents()
        var whole = leaderLog
        #expect(try whole.contents().starts(with: contents))
    }

    @Test("Rule 1: a lost or damaged checkpoint is rebuilt from the batches")
    func rebuilds() throws {
        for damage in 0..<3 {
            var fixture = try log([0, 0, 2, 2, 5])
            let entries = fixture.log.epochs.entries
            try fixture.log.close()
            let path = fixture.path("leader-epoch-checkpoint")
            switch damage {
            case 0: try fixture.disk.remove(path)
            case 1: fixture.disk.edit(path) { $0.removeLast(3) }
            default: fixture.disk.edit(path) { $0 = [UInt8](repeating: 0, count: 40) }
            }
            try fixture.reopen(clean: damage != 2, recoveryPoint: Offset(5))
            #expect(fixture.log.epochs.entries == entries)
        }
    }

    @Test("An epoch without a record is forgotten over a restart, as a follower's log has none")
    func forgetsEmptyEpoch() throws {
        var fixture = try log([0, 0])
        fixture.log.assign(LeaderEpoch(4), startOffset: fixture.log.logEndOffset)
        #expect(fixture.log.latestEpoch == LeaderEpoch(4))
        try fixture.log.close()
        try fixture.reopen(clean: true)
        #expect(fixture.log.latestEpoch == LeaderEpoch(0))
    }
}
