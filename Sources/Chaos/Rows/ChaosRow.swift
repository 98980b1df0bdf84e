import LocalCluster

/// One row of the fault matrix.
package struct ChaosRow: Sendable {
    /// The name by which it is asked for.
    package let id: String
    /// What is done to the cluster.
    package let fault: String
    /// What must hold, beyond what holds in all rows.
    package let promise: String
    /// What a row can't do without.
    enum Need: Hashable, Sendable {
        /// The library between each node and its machine.
        case shim
        /// Two log directories for each node.
        case twoDisks
        /// The proxy between the nodes.
        case links
        /// The program of another release.
        case otherRelease
    }

    /// What is set up for it.
    var needs: Set<Need> = []
    var nodeCount = 3
    /// Lines for every node's configuration.
    var overrides: [String] = []
    /// How many clients write transactions beside the other writers.
    var transactionWriters: Int32 = 0
    /// What the load writes to.
    var topic = LoadTopic()
    /// One round of the fault, from the healthy cluster to the moment when all that was taken away is back.
    let round: @Sendable (ChaosStage, _ round: Int) async throws -> Void

    /// All rows, in the order of the matrix.
    package static let all: [ChaosRow] = [
        processRows, linkRows, machineRows, diskRows, damageRows, topicRows, applicationRows,
        transactionRows, groupRows,
        releaseRows,
    ].flatMap(\.self).sorted { (Int($0.id.dropFirst()) ?? 0) < (Int($1.id.dropFirst()) ?? 0) }

    /// The short set: what every commit can bear.
    package static let short = ["F1", "F4", "F6", "F9", "F16", "F25", "F26", "F31"]
}
