import Coordinators
import Primitives
import Testing
import WireMessages

@Suite("DescribeGroups, ListGroups") struct ReadTests {
    @Test("only a stable group shows what its members said and got")
    func describe() {
        let scene = Scene()
        let ids = scene.stable(1)
        let stable = scene.shard.describe("g")
        #expect(stable?.groupState == "Stable")
        #expect(stable?.protocolData == "range")
        #expect(stable?.members.first?.memberAssignment == Bytes(utf8: "part 0"))
        #expect(stable?.members.first?.memberMetadata == Bytes(utf8: "m"))
        #expect(stable?.members.first?.clientHost == "/127.0.0.1")
        _ = scene.joinTwice()
        let moving = scene.shard.describe("g")
        #expect(moving?.groupState == "PreparingRebalance")
        #expect(moving?.protocolData == "")
        #expect(moving?.members.first?.memberID == ids[0])
        #expect(moving?.members.first?.memberAssignment == .empty)
        #expect(scene.shard.describe("nobody") == nil)
    }

    @Test("the list can be narrowed by state and type, in any case")
    func list() {
        let scene = Scene()
        _ = scene.stable(1, group: "b")
        scene.commit(1, group: "a")
        let all = scene.shard.list(states: [], types: [])
        #expect(all.map(\.groupID) == ["a", "b"])
        #expect(all.map(\.protocolType) == ["", "consumer"])
        #expect(all.map(\.groupState) == ["Empty", "Stable"])
        #expect(all.map(\.groupType) == ["classic", "classic"])
        #expect(scene.shard.list(states: ["STABLE"], types: ["Classic"]).map(\.groupID) == ["b"])
        #expect(scene.shard.list(states: ["Dead"], types: []).isEmpty)
        #expect(scene.shard.list(states: [], types: ["share"]).isEmpty)
    }
}
