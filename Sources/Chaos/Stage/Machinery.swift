import LocalCluster

/// What stands between the nodes, and between them and their machine, for one row.
struct Machinery: Sendable {
    let shims: [Int: NodeShim]
    let proxy: LinkProxy?

    /// - Parameter library: the built `Tests/Shims/machine.c`.
    init(for row: ChaosRow, _ processes: NodeProcesses, library: String?) async throws {
        var shims: [Int: NodeShim] = [:]
        if row.needs.contains(.shim), let library {
            for node in processes.plan.nodes {
                shims[node] = try NodeShim(
                    library: library, dataDirectory: processes.directory.dataDirectory(node),
                    side: processes.directory.nodeFolder(node) + "/shim")
            }
        }
        self.shims = shims
        guard row.needs.contains(.links) else {
            proxy = nil
            return
        }
        let proxy = LinkProxy(processes)
        try await proxy.open()
        self.proxy = proxy
    }

    /// Why a row can't run with what there is; nil where it can.
    static func missing(for row: ChaosRow, _ settings: RowRunner.Settings) -> String? {
        if row.needs.contains(.otherRelease), settings.otherProgram == nil {
            return "needs --other, the program of another release"
        }
        if row.needs.contains(.shim), settings.shimLibrary == nil {
            return "needs --shim, the library that Tests/chaos.sh builds of Tests/Shims/machine.c"
        }
        return nil
    }
}
