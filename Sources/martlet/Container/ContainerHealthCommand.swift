import ArgumentParser
import BrokerServer
import Glibc
import LiveWorld

/// `martlet container health`: ends with 0 while the node of this container serves.
struct ContainerHealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask the node of this container whether it serves.")

    private static let timeoutMilliseconds: Int64 = 3_000

    @Option(name: .customLong("config"), help: "The configuration that the node was started with.")
    var file = ContainerCommand.configurationFile

    func run() throws {
        let files = PosixFileStore()
        let configuration: NodeConfiguration
        do {
            let properties = try ServerProperties.load(file: file, overrides: [], files: files)
            configuration = try NodeConfiguration(Settings(properties))
        } catch {
            print("no running node: \(error)")
            throw ExitCode(1)
        }
        if let admin = configuration.adminEndpoint,
            let page = ReadinessPage(at: admin, timeoutSeconds: Int(Self.timeoutMilliseconds / 1_000))
        {
            print(page.text)
            fflush(nil)
            Glibc.exit(page.isReady ? 0 : 1)
        }
        // Without an admin port, or where nothing comes from it, the listeners must do.
        let probe = HealthProbe(configuration, world: ServerCommand.world(configuration.settings, files))
        probe.run(timeoutMilliseconds: Self.timeoutMilliseconds) { verdict in
            switch verdict {
            case .healthy: print("healthy")
            case .unhealthy(let reason): print("unhealthy: \(reason)")
            }
            fflush(nil)
            Glibc.exit(verdict == .healthy ? 0 : 1)
        }
        while true { pause() }
    }
}
