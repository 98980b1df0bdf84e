package import ArgumentParser
import MartletClient
import Primitives
import WireMessages

/// `martlet broker-api-versions`, `kafka-broker-api-versions`: which versions of which APIs each broker answers. Used
/// as a health check, so it asks for no more than it shows.
package struct BrokerAPIVersionsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "broker-api-versions", abstract: "Show which versions of which APIs each broker answers.")

    package static let table = OptionTable(
        purpose: "This tool helps to retrieve broker version information.",
        [.bootstrapServer, .commandConfig, .json])

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        try given.need(.bootstrapServer)
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "admin-api-versions"))
            try await admin.cluster.refresh(topics: [])
            let nodes = try await admin.describeNodes().brokers.sorted { $0.brokerID < $1.brokerID }
            var reports: [JSONValue] = []
            for node in nodes {
                let versions: [ApiVersionsResponse.ApiVersion]
                do throws(ClientError) { versions = try await admin.apiVersions(of: node.brokerID) } catch {
                    if given.has(.json) {
                        reports.append(APIVersionsText.json(node, error: ExceptionText.of(error)))
                    } else {
                        print("\(APIVersionsText.title(node)) -> ERROR: \(ExceptionText.of(error))")
                    }
                    continue
                }
                if given.has(.json) {
                    reports.append(APIVersionsText.json(node, versions))
                } else {
                    print("\(APIVersionsText.title(node)) -> \(APIVersionsText.block(versions))")
                }
            }
            if given.has(.json) { print(JSONValue.array(reports)) }
        } catch let error as ClientError {
            throw ToolFailure(ExceptionText.of(error))
        }
    }
}
