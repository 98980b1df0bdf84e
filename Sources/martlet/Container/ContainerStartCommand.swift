import ArgumentParser
import BrokerServer
import Glibc
import LiveWorld
import World

/// `martlet container start`: reads variables, arguments and the mounted file, says what it makes of them, and runs the
/// node.
struct ContainerStartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the node of this container.",
        discussion: """
            KAFKA_LOG_RETENTION_HOURS is log.retention.hours: one underscore stands for a dot, two for an underscore, \
            three for a dash. Variables override \(ContainerCommand.mountedFile); what both leave out is filled in, \
            unless MARTLET_STRICT=true.
            """)

    @Argument(help: "KEY=VALUE; goes before the variables.")
    var settings: [String] = []

    func run() throws {
        let files = PosixFileStore()
        let node: NodeConfiguration
        let levels: LogLevels
        let advice: [String]
        do {
            var container = try configured()
            let isFormatted = container.directories.contains { files.exists($0 + "/meta.properties") }
            container.completeClusterID(directoriesAreFormatted: isFormatted)
            for remark in container.remarks { say(remark) }
            node = try NodeConfiguration(Settings(container.properties))
            levels = try LogLevels(node.settings)
            say("===> Running preflight checks ... ")
            for directory in container.directories { try checkWritable(directory, files) }
            keep(container.properties)
            advice = warnings(node)
            say("===> Launching ... ")
            if let id = node.clusterID { say("===> Using provided cluster id \(id) ...") }
        } catch {
            ServerCommand.complain("\(error)")
            throw ExitCode(1)
        }
        ServerCommand.serve(node, levels: levels, files: files, advice: advice)
    }

    private func configured() throws -> ContainerConfiguration {
        say("===> User")
        say("uid=\(getuid()) gid=\(getgid())")
        if !settings.isEmpty { say("===> Overriding env params with args ...") }
        say("===> Configuring ...")
        let mounted = SystemFacts.text(of: ContainerCommand.mountedFile)
        if mounted != nil { say("Using \(ContainerCommand.mountedFile)") }
        var container = try ContainerConfiguration(
            ContainerSurroundings(
                variables: SystemFacts.environment, arguments: settings, mountedFile: mounted,
                hostName: SystemFacts.hostName))
        say("Running in KRaft mode...")
        if let routes = SystemFacts.text(of: "/proc/net/route") {
            container.completeInsideNetworks(RouteTable(parsing: routes))
        }
        return container
    }

    /// A bind mount that belongs to root is the most frequent reason for a container that doesn't start.
    private func checkWritable(_ directory: String, _ files: PosixFileStore) throws {
        say("===> Check if \(directory) is writable ...")
        do { try files.createDirectory(directory) } catch {
            throw ConfigurationError("the directory \(directory) can't be made: \(error)")
        }
        guard unsafe access(directory, W_OK) != 0 else { return }
        throw ConfigurationError(
            "the directory \(directory) can't be written by user \(getuid()). On the host, give it to that user: "
                + "chown -R \(getuid()) DIRECTORY-THAT-IS-MOUNTED-THERE")
    }

    /// Leaves the configuration where people look for it; a read-only container does without.
    private func keep(_ properties: PropertiesFile) {
        do { try PosixFileStore().replace(ContainerCommand.configurationFile, with: Array(properties.text.utf8)) } catch
        {
            say("\(ContainerCommand.configurationFile) can't be written; going on without it")
        }
    }

    private func warnings(_ node: NodeConfiguration) -> [String] {
        let mounts = MountTable(parsing: SystemFacts.text(of: "/proc/self/mountinfo") ?? "")
        let directories = Set(node.logDirectories + [node.metadataLogDirectory]).sorted()
        return directories.compactMap { mounts.risk(of: $0) }
            + ContainerAdvice(node, hostName: SystemFacts.hostName).sentences
    }

    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
