import Testing

@testable import Simulator

@Suite("Groups in a simulated cluster") struct GroupSimulationTests {
    private func plan(_ speech: GroupPlan.Speech, _ troubles: [GroupPlan.Trouble]) -> ClusterPlan {
        var plan = ClusterPlan.calm
        plan.loadMilliseconds = 8_000
        plan.producerCount = 1
        var groups = GroupPlan()
        groups.groups = [speech]
        groups.membersMax = 3
        groups.staticOneIn = 2
        groups.troubles = troubles
        groups.troubleMilliseconds = 500
        plan.groups = groups
        return plan
    }

    @Test("keep their promises while members die, leave and stand still", arguments: GroupPlan.Speech.allCases)
    func members(_ speech: GroupPlan.Speech) throws {
        let simulation = ClusterSimulation(seed: 3, plan: plan(speech, [.crash, .leave, .pause]))
        try simulation.run()
        #expect(simulation.truth.reached["offset commit: NONE", default: 0] > 0)
    }

    @Test("keep them while coordinators move and nodes die", arguments: GroupPlan.Speech.allCases)
    func coordinators(_ speech: GroupPlan.Speech) throws {
        var plan = plan(speech, [.coordinatorMove])
        plan.faults = [.kill]
        let simulation = ClusterSimulation(seed: 4, plan: plan)
        try simulation.run()
        #expect(simulation.truth.reached["a coordinator moved", default: 0] > 0)
        #expect(simulation.truth.reached["offset commit: NONE", default: 0] > 0)
    }

    @Test("refuse what a member commits that stood still for longer than its session")
    func lateCommits() throws {
        var late = 0
        for speech in [GroupPlan.Speech.classic, .consumer] {
            for seed in 1...4 as ClosedRange<UInt64> {
                let simulation = ClusterSimulation(seed: seed, plan: plan(speech, [.pause]))
                try simulation.run()
                late += simulation.truth.reached["a late commit", default: 0]
            }
        }
        #expect(late > 0)
    }
}
