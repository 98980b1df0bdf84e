import Chaos
import Primitives
import Testing

@Suite("The rows of the fault matrix")
struct RowsTests {
    @Test("Every row stands in the list once, in the order of the matrix")
    func names() {
        let names = ChaosRow.all.map(\.id)
        #expect(Set(names).count == names.count)
        #expect(names == (1...38).map { "F\($0)" })
    }

    @Test("Every row of the short set exists")
    func short() {
        for name in ChaosRow.short { #expect(ChaosRow.all.contains { $0.id == name }, "\(name)") }
    }

    @Test("A row that can't run counts as not run, never as passed")
    func notRun() async {
        let settings = RowRunner.Settings(directory: "/nonexistent", basePort: 1, seed: 1)
        for (name, need) in [("F26", "--shim"), ("F38", "--other")] {
            guard let row = ChaosRow.all.first(where: { $0.id == name }) else { continue }
            let report = await RowRunner(settings).run(row)
            guard case .notRun(let reason) = report.outcome else {
                Issue.record("\(report)")
                continue
            }
            #expect(reason.contains(need) && !report.isFailure)
        }
    }

    @Test("The timeline tells seconds from its start")
    func timeline() {
        let timeline = Timeline(start: MonotonicInstant(1_000_000_000), prints: false)
        timeline.note("kill", at: MonotonicInstant(3_045_000_000))
        #expect(timeline.lines == ["+2.045 s  kill"])
    }
}
