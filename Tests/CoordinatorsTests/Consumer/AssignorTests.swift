import Coordinators
import HashTreeCollections
import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Assignors") struct AssignorTests {
    /// Members join a group one after another and reconcile until nothing moves.
    private func settled(_ scene: Scene, rounds: Int = 40) {
        for _ in 0..<rounds {
            for (id, member) in (scene.consumers?.members ?? [:]).sorted(by: { $0.key < $1.key }) {
                var owned: [String: [Int32]] = [:]
                for one in member.assigned {
                    let name = Scene.letters.first { Scene.topicID($0) == one.partition.topic } ?? "?"
                    owned[name, default: []].append(one.partition.index.value)
                }
                scene.beat(id, member.epoch, owned: owned)
            }
        }
        #expect(scene.shard.describeConsumerGroup("g")?.groupState == "Stable")
    }

    private func scene(_ topics: [String: Int32], racks: [String] = []) throws -> Scene {
        let scene = Scene { $0.consumerLimits.assignmentIntervalMilliseconds = 0 }
        try scene.setTopics(topics, racks: racks)
        return scene
    }

    private func counts(_ scene: Scene) -> [String: Int] {
        (scene.consumers?.members ?? [:]).reduce(into: [:]) { $0[$1.key] = $1.value.assigned.count }
    }

    @Test("uniform shares evenly, and moves no more than it must when a member comes or goes")
    func uniformMoves() throws {
        let scene = try scene(["t": 10, "u": 1])
        for member in ["a", "b", "c"] {
            scene.beat(.join(member, ["t", "u"]))
            settled(scene)
        }
        #expect(counts(scene).values.sorted() == [3, 4, 4])
        let before = scene.owned
        scene.beat(.join("d", ["t", "u"]))
        settled(scene)
        #expect(counts(scene).values.sorted() == [2, 3, 3, 3])
        for (member, owned) in scene.owned where member != "d" {
            let had = Set(before[member, default: ""].split(separator: " "))
            #expect(Set(owned.split(separator: " ")).isSubset(of: had), "\(member) got something new")
        }
        let settledWithD = scene.owned
        scene.beat("d", -1)
        settled(scene)
        for (member, owned) in settledWithD where member != "d" {
            let now = Set(scene.owned[member, default: ""].split(separator: " "))
            #expect(now.isSuperset(of: owned.split(separator: " ")), "\(member) lost something")
        }
    }

    @Test("uniform evens out members with different subscriptions as far as these let it")
    func uniformHeterogeneous() throws {
        let scene = try scene(["t": 6, "u": 2, "v": 4])
        scene.beat(.join("a", ["t"]))
        scene.beat(.join("b", ["t", "u"]))
        scene.beat(.join("c", ["u", "v"]))
        settled(scene)
        #expect(counts(scene).values.sorted() == [4, 4, 4])
        #expect(scene.owned["a"]?.contains("u") == false)
        scene.beat(.join("d", ["t", "u", "v"]))
        settled(scene)
        #expect(counts(scene).values.allSatisfy { (2...4).contains($0) })
    }

    @Test("uniform gives a member what is free in its rack first")
    func racks() throws {
        let scene = Scene()
        try scene.setTopics(["t": 4], racks: ["r", "s"])
        scene.beat(.join("a", rack: "s"))
        scene.beat(.join("b", rack: "r"))
        scene.beat("a", -1)
        // Both are free when the target is computed next: each gets its own rack's.
        scene.beat(.join("c", rack: "s"))
        scene.advance(milliseconds: 1_000)
        let targets = scene.consumers?.targets ?? [:]
        #expect(Scene.text(targets["b"] ?? []) == "t0 t2" && Scene.text(targets["c"] ?? []) == "t1 t3")
    }

    @Test("range gives runs, more to the first, and the same numbers of all topics to the same member")
    func range() throws {
        let scene = try scene(["t": 5, "u": 5])
        for member in ["b", "a"] { scene.beat(.join(member, ["t", "u"], assignor: "range")) }
        settled(scene)
        #expect(scene.owned == ["a": "t0 t1 t2 u0 u1 u2", "b": "t3 t4 u3 u4"])
        scene.beat(.join("z", ["u"], instance: "i", assignor: "range"))
        settled(scene)
        #expect(scene.owned == ["a": "t0 t1 t2 u2 u3", "b": "t3 t4 u4", "z": "u0 u1"])
    }

    @Test("no partition is left or shared, whatever members do", arguments: 0..<30 as Range<UInt64>)
    func randomGroups(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let topics: [String: Int32] = ["t": 7, "u": 3, "v": 1, "w": 12]
        let scene = try scene(topics, racks: ["r", "s", "q"])
        let assignor = Bool.random(using: &random) ? "uniform" : "range"
        for step in 0..<25 {
            let member = "m\(Int.random(in: 0..<8, using: &random))"
            let known = scene.consumers?.members[member]
            if known != nil, Int.random(in: 0..<3, using: &random) == 0 {
                scene.beat(member, -1)
            } else if known == nil {
                let names = topics.keys.sorted().filter { _ in Bool.random(using: &random) }
                let rack = ["r", "s", nil].randomElement(using: &random) ?? nil
                scene.beat(.join(member, names, rack: rack, assignor: assignor))
            }
            checkOwners(scene, step)
        }
        settled(scene)
        checkOwners(scene, -1)
        let members = (scene.consumers?.members ?? [:]).map(\.value)
        let owned = members.flatMap { $0.assigned.map(\.partition) }
        let wanted = Set(members.flatMap(\.subscription.names)).reduce(0) { $0 + Int(topics[$1] ?? 0) }
        #expect(owned.count == wanted)
        for member in members {
            let asked = Set(member.subscription.names.map(Scene.topicID))
            #expect(member.assigned.allSatisfy { asked.contains($0.partition.topic) })
        }
    }

    /// Nobody owns what another one owns or has not given up.
    private func checkOwners(_ scene: Scene, _ step: Int) {
        var seen: Set<TopicPartitionID> = []
        for (_, member) in scene.consumers?.members ?? [:] {
            for one in [member.assigned, member.pendingRevocation].joined() {
                #expect(seen.insert(one.partition).inserted, "\(one.partition) has two owners after step \(step)")
            }
            #expect(member.epoch <= scene.consumers?.epoch ?? 0)
        }
    }
}
