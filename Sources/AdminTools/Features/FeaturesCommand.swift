package import ArgumentParser
import MartletClient
import Primitives
import WireMessages

/// `martlet features`, `kafka-features`: which features a cluster has, at which levels, and changes of them.
package struct FeaturesCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "features", abstract: "Show the features of a cluster, and change their levels.",
        usage: "features (--bootstrap-server HOST:PORT | --bootstrap-controller HOST:PORT) "
            + "{describe,upgrade,downgrade,disable,version-mapping,feature-dependencies} [options]")

    @Argument(help: "describe, upgrade, downgrade, disable, version-mapping or feature-dependencies")
    package var action: String?
    @Option(name: .customLong("bootstrap-server"), help: "The brokers to connect to.")
    package var bootstrapServer: String?
    @Option(name: .customLong("bootstrap-controller"), help: "The controllers to connect to.")
    package var bootstrapController: String?
    @Option(name: .customLong("command-config"), help: "A file of client properties.")
    package var commandConfig: String?
    @Option(name: .customLong("node-id"), help: "describe: the node to ask.") package var nodeID: Int32?
    @Option(
        name: .customLong("feature"),
        help: "A feature: NAME=LEVEL to upgrade or downgrade, NAME to disable; may be repeated.")
    package var features: [String] = []
    @Option(name: .customLong("release-version"), help: "The levels that this release of Kafka has: 4.2-IV1.")
    package var release: String?
    @Option(name: .customLong("metadata"), help: "Deprecated: use --release-version.") package var metadata: String?
    @Flag(name: .customLong("unsafe"), help: "downgrade, disable: even where something is lost by it.")
    package var isUnsafe = false
    @Flag(name: .customLong("dry-run"), help: "Only ask whether the change could be made.")
    package var isDryRun = false
    @Flag(name: .customLong("json"), help: "Print one JSON document instead of text. (Not in Kafka.)")
    package var isJSON = false

    package init() {}

    private enum Action: String, CaseIterable {
        case upgrade, downgrade, disable, describe
        case versionMapping = "version-mapping"
        case featureDependencies = "feature-dependencies"
    }

    package func run() async throws {
        guard let action else { throw FeaturesCommand.failure("too few arguments") }
        guard let chosen = Action(rawValue: action) else {
            let known = Action.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw FeaturesCommand.failure("argument command: invalid choice: '\(action)' (choose from \(known))")
        }
        do {
            switch chosen {
            case .versionMapping: return try mapVersions()
            case .featureDependencies: return try showDependencies()
            case .describe: try await describe()
            case .upgrade: try await change("upgrade", type: 1)
            case .downgrade: try await change("downgrade", type: isUnsafe ? 3 : 2)
            case .disable: try await change("disable", type: isUnsafe ? 3 : 2)
            }
        } catch let error as ClientError {
            throw ToolFailure(ExceptionText.of(error))
        }
    }

    private static func failure(_ text: String) -> ToolFailure {
        ToolFailure("usage: \(configuration.usage ?? "")\nkafka-features: error: \(text)")
    }

    private func admin() throws -> Admin {
        if bootstrapServer != nil, bootstrapController != nil {
            throw FeaturesCommand.failure(
                "argument --bootstrap-controller: not allowed with argument --bootstrap-server")
        }
        guard let servers = bootstrapServer ?? bootstrapController else {
            throw FeaturesCommand.failure(
                "one of the arguments --bootstrap-server --bootstrap-controller is required")
        }
        var configuration = ClientConfiguration(bootstrapServers: servers, clientID: "admin-features")
        configuration.usesControllers = bootstrapController != nil
        if let commandConfig { try ClientProperties(file: commandConfig).apply(to: &configuration) }
        return try Admin(configuration)
    }

    // MARK: describe

    private func describe() async throws {
        let found = try await admin().features(of: nodeID.map { BrokerID($0) })
        let rows = FeatureRow.rows(found)
        if isJSON { return print(JSONValue.array(rows.map(\.json))) }
        for row in rows { print(row.line) }
    }

    // MARK: changes

    private func change(_ operation: String, type: Int8) async throws {
        var changes = try FeatureChanges.read(
            operation: operation, features: features, release: release, metadata: metadata)
        if metadata != nil {
            Console.complain("The --metadata option is deprecated: use --release-version instead.")
        }
        let admin = try admin()
        if release != nil { changes = try await supported(changes, admin) }
        var reason: ClientError?
        do throws(ClientError) {
            try await admin.updateFeatures(changes, upgradeType: type, validatesOnly: isDryRun)
        } catch {
            guard error.kind == .broker else { throw error }
            reason = error
        }
        for change in changes.sorted(by: { $0.name < $1.name }) {
            print(FeatureChanges.line(operation, change, isDryRun: isDryRun, reason: reason))
        }
        if reason != nil {
            throw ToolFailure("\(changes.count) out of \(changes.count) operation(s) failed.")
        }
    }

    /// A release's levels without those of features that the cluster does not have.
    private func supported(
        _ changes: [FeatureChanges.Change], _ admin: Admin
    ) async throws(ClientError) -> [FeatureChanges.Change] {
        let known = Set(FeatureRow.rows(try await admin.features()).map(\.name))
        for change in changes where !known.contains(change.name) && change.level > 0 {
            Console.complain("\(change.name)=\(change.level) is left out: the cluster does not have this feature.")
        }
        return changes.filter { known.contains($0.name) }
    }

    // MARK: what needs no cluster

    private func mapVersions() throws(ToolFailure) {
        let chosen: ReleaseFeatures.Release
        if let release {
            guard let found = ReleaseFeatures.release(named: release) else {
                throw FeatureChanges.unknownRelease(release)
            }
            chosen = found
        } else {
            chosen = ReleaseFeatures.latest
        }
        print("\(ReleaseFeatures.metadataVersion)=\(chosen.level) (\(chosen.name))")
        for (name, _) in ReleaseFeatures.others {
            print("\(name)=\(ReleaseFeatures.level(of: name, in: chosen))")
        }
    }

    private func showDependencies() throws(ToolFailure) {
        guard !features.isEmpty else { throw FeaturesCommand.failure("argument --feature is required") }
        for text in features {
            let (name, level) = try FeatureChanges.parse(text)
            let isKnown =
                name == ReleaseFeatures.metadataVersion || ReleaseFeatures.others.contains { $0.name == name }
            guard isKnown else { throw ToolFailure("Unknown feature: \(name)") }
            guard ReleaseFeatures.exists(name, level) else {
                throw ToolFailure("Feature level \(level) of \(name) is not known")
            }
            let needed = ReleaseFeatures.dependencies[name]?[level] ?? []
            guard !needed.isEmpty else {
                print("\(name)=\(level) has no dependencies.")
                continue
            }
            print("\(name)=\(level) requires:")
            for (other, least) in needed {
                let release =
                    other == ReleaseFeatures.metadataVersion
                    ? ReleaseFeatures.release(ofLevel: least).map { " (\($0.name))" } ?? "" : ""
                print("    \(other)=\(least)\(release)")
            }
        }
    }
}
