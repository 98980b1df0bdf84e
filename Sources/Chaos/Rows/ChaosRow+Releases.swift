import LocalCluster
import MartletClient
import Primitives
import WireMessages

/// Nodes of two releases in one cluster.
extension ChaosRow {
    private static let mixedMilliseconds: Int64 = 3_000

    static let releaseRows: [ChaosRow] = [
        ChaosRow(
            id: "F38",
            fault: "from another release to this one and back, a node at a time, by SIGTERM and then by kill -9",
            promise: "served all the time; the levels of the features stay; nothing is lost", needs: [.otherRelease]
        ) { stage, _ in
            let before = try await finalized(stage)
            for (isOrderly, isOther) in [(true, false), (true, true), (false, false), (false, true), (true, false)] {
                for node in stage.shuffledNodes() {
                    if isOrderly { try await stage.stop(node) } else { try await stage.kill(node) }
                    try stage.start(node, ofOtherRelease: isOther)
                    try await stage.awaitHealed()
                    await stage.last(mixedMilliseconds)
                }
                let after = try await finalized(stage)
                if after != before { stage.problem("the features were \(before) and are \(after)") }
            }
        }
    ]

    private static func finalized(_ stage: ChaosStage) async throws -> [String: Int16] {
        let answer = try await stage.admin.features()
        return Dictionary(answer.finalizedFeatures.map { ($0.name, $0.maxVersionLevel) }) { first, _ in first }
    }
}
