import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("Replay") struct ReplayTests {
    @Test("a stable group continues at a new coordinator with its members, assignments and a fresh session")
    func stableGroupMoves() {
        let scene = Scene()
        let ids = scene.stable(3)
        scene.commit(5, member: ids[0], generation: 3)
        scene.advance(milliseconds: 9_000)
        let moved = scene.reloaded()
        #expect(moved.shard.image == scene.shard.image)
        #expect(moved.shard.describe("g") == scene.shard.describe("g"))
        moved.advance(milliseconds: 9_000)
        for id in ids { #expect(moved.heartbeat(id, generation: 3) == .noError) }
        #expect(moved.fetched() == 5)
        #expect(moved.synced(moved.sync(ids[1], generation: 3))?.assignment == Bytes(utf8: "part 1"))
        moved.advance(milliseconds: 10_000)
        #expect(moved.heartbeat(ids[0], generation: 3) == .unknownMemberID)
        #expect(moved.state() == "Empty")
    }

    @Test("a rebalance that was not complete is begun anew from the last generation")
    func unfinishedRebalance() {
        let scene = Scene()
        let ids = scene.stable(2)
        _ = scene.joinTwice()
        let moved = scene.reloaded()
        #expect(moved.state() == "Stable")
        #expect(moved.heartbeat(ids[1], generation: 2) == .noError)
        _ = moved.joinTwice()
        let first = moved.join(ids[0])
        moved.join(ids[1])
        #expect(moved.joined(first)?.generationID == 3)
    }

    /// A random life of many groups; the log alone must give the same state, and every ticket one answer.
    @Test("random operations: the log alone gives the same state, and everyone is answered once", arguments: 0..<40)
    func randomOperations(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let scene = Scene {
            $0.initialRebalanceDelayMilliseconds = seed % 2 == 0 ? 0 : 500
            $0.offsetsRetentionMilliseconds = 60_000
            $0.offsetsRetentionCheckIntervalMilliseconds = 20_000
        }
        var members: [(group: String, id: String, instance: String?, generation: Int32)] = []
        var tickets: [Ticket] = []
        for step in 0..<400 {
            let group = "g\(generator.next() % 3)"
            let index = members.isEmpty ? nil : Int(generator.next() % UInt64(members.count))
            let member = index.map { members[$0] } ?? (group: group, id: "nobody", instance: nil, generation: 1)
            scene.logRefusal = generator.chance(1, in: 20) ? .notEnoughReplicas : nil
            scene.commitsAtOnce = !generator.chance(1, in: 3)
            switch generator.next() % 10 {
            case 0, 1:
                let instance = generator.chance(1, in: 3) ? "i\(generator.next() % 2)" : nil
                let version: Int16 = generator.chance(1, in: 4) ? 3 : 9
                let ticket = scene.join(group: group, instance: version < 5 ? nil : instance, version: version)
                tickets.append(ticket)
                if let answer = scene.joined(ticket), !answer.memberID.isEmpty {
                    members.append((group, answer.memberID, version < 5 ? nil : instance, answer.generationID))
                }
            case 2, 3, 4: tickets.append(scene.join(member.id, group: member.group, instance: member.instance))
            case 5, 6:
                tickets.append(
                    scene.sync(
                        member.id, generation: member.generation, group: member.group, assignments: [member.id: "x"]))
            case 7: _ = scene.heartbeat(member.id, generation: member.generation, group: member.group)
            case 8:
                let offset = Int64(generator.next() % 1_000)
                tickets.append(
                    scene.commit(offset, member: member.id, generation: member.generation, group: member.group))
            default:
                if generator.chance(1, in: 2) {
                    _ = scene.leave([(member.id, member.instance)], group: member.group)
                } else {
                    scene.logRefusal = nil
                    scene.commitsAtOnce = true
                    _ = scene.delete([group])
                }
            }
            if generator.chance(1, in: 3) { scene.commitAll() }
            if generator.chance(1, in: 4) { scene.advance(milliseconds: Int64(generator.next() % 12_000)) }
            guard step % 10 == 0 else { continue }
            for index in members.indices {
                members[index].generation = scene.latestGeneration(of: members[index].id) ?? 1
            }
            #expect(scene.reloaded().shard.image == scene.shard.image)
        }
        scene.commitAll()
        #expect(scene.shard.committedImage == scene.shard.image)
        scene.perform(scene.shard.fail())
        for ticket in tickets { #expect(scene.replies[ticket.value] != nil, "ticket \(ticket) has no answer") }
    }
}

extension Scene {
    /// The generation that a member was told of last.
    func latestGeneration(of memberID: String) -> Int32? {
        replies.values.compactMap { reply in
            guard case .join(let answer) = reply, answer.memberID == memberID else { return nil }
            return answer.generationID
        }.max()
    }
}
