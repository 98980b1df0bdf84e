import ClientCore
import Primitives
import WireMessages
import WireProtocol

/// One change of a configuration.
package enum ConfigChange: Hashable, Sendable {
    case set(String)
    case delete
    case append(String)
    case subtract(String)

    fileprivate var operation: Int8 {
        switch self {
        case .set: 0
        case .delete: 1
        case .append: 2
        case .subtract: 3
        }
    }

    fileprivate var value: String? {
        switch self {
        case .set(let value), .append(let value), .subtract(let value): value
        case .delete: nil
        }
    }
}

extension Admin {
    /// The configuration of one resource, sorted by name, each with its synonyms. A broker is asked itself.
    package func configs(of target: ConfigTarget) async throws(ClientError) -> [ConfigEntry] {
        var resource = DescribeConfigsRequest.DescribeConfigsResource()
        resource.resourceType = target.type
        resource.resourceName = target.name
        resource.configurationKeys = nil
        var request = DescribeConfigsRequest()
        request.resources = [resource]
        request.includeSynonyms = true
        let asked = request
        let response = try await cluster.retrying { () throws(ClientError) in
            try await sendAbout(target, asked)
        }
        guard let result = response.results.first else { throw ClientError(code: .unknownServerError) }
        guard result.errorCode == .noError else {
            throw ClientError(code: result.errorCode, message: result.errorMessage)
        }
        return result.configs.map(Admin.entry).sorted { $0.name < $1.name }
    }

    private static func entry(_ found: DescribeConfigsResponse.DescribeConfigsResourceResult) -> ConfigEntry {
        ConfigEntry(
            name: found.name, value: found.value, source: ConfigValueSource(rawValue: found.configSource),
            isSensitive: found.isSensitive,
            synonyms: found.synonyms.map {
                ConfigEntry.Synonym(name: $0.name, value: $0.value, source: ConfigValueSource(rawValue: $0.source))
            })
    }

    /// Changes configurations of several resources, each as a whole or not at all.
    ///
    /// - Errors: the first refusal.
    package func alterConfigs(
        _ changes: [(target: ConfigTarget, changes: [(name: String, change: ConfigChange)])]
    ) async throws(ClientError) {
        for (target, changes) in changes where !changes.isEmpty { try await alterConfigs(of: target, changes) }
    }

    private func alterConfigs(
        of target: ConfigTarget, _ changes: [(name: String, change: ConfigChange)]
    ) async throws(ClientError) {
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = target.type
        resource.resourceName = target.name
        resource.configs = changes.map { name, change in
            var config = IncrementalAlterConfigsRequest.AlterableConfig()
            config.name = name
            config.configOperation = change.operation
            config.value = change.value
            return config
        }
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        let asked = request
        let refusal: ClientError? = try await cluster.retrying { () throws(ClientError) in
            // What is one broker's goes through that broker, which checks it.
            let response: IncrementalAlterConfigsResponse
            switch target {
            case .broker(.some), .brokerLogger: response = try await sendAbout(target, asked)
            case .broker, .topic, .group, .clientMetrics: response = try await cluster.sendToAdministration(asked)
            }
            guard let failed = response.responses.first(where: { $0.errorCode != .noError }) else { return nil }
            let error = ClientError(code: failed.errorCode, message: failed.errorMessage)
            if failed.errorCode == .notController { throw error }
            return error
        }
        if let refusal { throw refusal }
    }

    /// Sends what only the node itself can answer to that node, the rest to any.
    private func sendAbout<Request: WireRequest>(
        _ target: ConfigTarget, _ request: Request
    ) async throws(ClientError) -> Request.Response {
        switch target {
        case .broker(.some(let id)), .brokerLogger(let id):
            if cluster.configuration.usesControllers {
                return try await cluster.send(request, toController: BrokerID(id))
            }
            if cluster.view.brokers[BrokerID(id)] == nil { try await cluster.refresh(topics: []) }
            return try await cluster.send(request, to: .broker(BrokerID(id)))
        case .topic, .broker, .clientMetrics, .group: return try await cluster.sendToAdministration(request)
        }
    }

    /// The names of all resources of one kind that have a configuration of their own.
    package func configResources(ofType type: Int8) async throws(ClientError) -> [String] {
        var request = ListConfigResourcesRequest()
        request.resourceTypes = [type]
        let response: ListConfigResourcesResponse
        do throws(ClientError) { response = try await cluster.send(request, to: .anyBroker) } catch {
            // A cluster that can't tell has none.
            guard error.kind == .unsupported else { throw error }
            return []
        }
        guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
        return response.configResources.filter { $0.resourceType == type }.map(\.resourceName).sorted()
    }
}
