package import ArgumentParser

/// `martlet cluster`: a cluster of real processes on this machine, for trying things out and for tests.
package struct ClusterCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Run a cluster on this machine: real node processes on loopback.",
        subcommands: [
            ClusterUpCommand.self, ClusterStatusCommand.self, ClusterKillCommand.self, ClusterPauseCommand.self,
            ClusterResumeCommand.self, ClusterStopCommand.self, ClusterStartCommand.self, ClusterDownCommand.self,
            ClusterDestroyCommand.self, ClusterLogsCommand.self,
        ])

    package init() {}
}
