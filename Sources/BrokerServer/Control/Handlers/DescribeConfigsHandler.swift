import Controller
import Metadata
package import WireMessages

/// DescribeConfigs (API key 32), v1–4, for topics, for the node that is asked and for what is set for all brokers.
///
/// Errors for each resource: UNKNOWN_TOPIC_OR_PARTITION; INVALID_TOPIC_EXCEPTION; INVALID_REQUEST for another broker or
/// an unknown kind.
package struct DescribeConfigsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...4
    package static let listeners: ListenerKinds = .all

    private let describer: ConfigDescriber
    private let cache: MetadataCache

    package init(_ describer: ConfigDescriber, cache: MetadataCache) {
        self.describer = describer
        self.cache = cache
    }

    package func handle(
        _ request: DescribeConfigsRequest, _ context: RequestContext, _ reply: Reply<DescribeConfigsResponse>
    ) {
        let image = cache.current
        var response = DescribeConfigsResponse()
        response.results = request.resources.map { resource in
            var result = DescribeConfigsResponse.DescribeConfigsResult()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            let target = ConfigResource(ConfigResource.Kind(resource.resourceType), resource.resourceName)
            do throws(Refusal) {
                result.configs = try describer.entries(target, image)
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            if let keys = resource.configurationKeys, !keys.isEmpty {
                result.configs.removeAll { !keys.contains($0.name) }
            }
            for index in result.configs.indices {
                if !request.includeSynonyms { result.configs[index].synonyms = [] }
                if !request.includeDocumentation { result.configs[index].documentation = nil }
            }
            return result
        }
        reply(response)
    }
}
