import Metadata
import Primitives
package import WireMessages

/// ListConfigResources (API key 74), v0–1: what has, or can have, configuration.
///
/// Errors: UNSUPPORTED_VERSION for an unknown kind.
package struct ListConfigResourcesHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners: ListenerKinds = .client

    /// The kinds that are listed where none is asked for, in the order of their numbers.
    private static let kinds: [ConfigResource.Kind] = [.topic, .broker, .brokerLogger, .clientMetrics, .group]

    private let cache: MetadataCache

    package init(cache: MetadataCache) { self.cache = cache }

    package func handle(
        _ request: ListConfigResourcesRequest, _ context: RequestContext, _ reply: Reply<ListConfigResourcesResponse>
    ) {
        var response = ListConfigResourcesResponse()
        let asked = Set(request.resourceTypes.map(ConfigResource.Kind.init))
        guard asked.isSubset(of: ListConfigResourcesHandler.kinds) else {
            response.errorCode = .unsupportedVersion
            return reply(response)
        }
        // Version 0 knows client metrics only.
        let kinds =
            context.version == 0
            ? [.clientMetrics] : ListConfigResourcesHandler.kinds.filter { asked.isEmpty || asked.contains($0) }
        let image = cache.current
        response.configResources = kinds.flatMap { kind in
            ListConfigResourcesHandler.names(kind, image).map { name in
                var resource = ListConfigResourcesResponse.ConfigResource()
                resource.resourceName = name
                resource.resourceType = kind.value
                return resource
            }
        }
        reply(response)
    }

    private static func names(_ kind: ConfigResource.Kind, _ image: MetadataImage) -> [String] {
        switch kind {
        case .topic: image.topics.sortedByName.map(\.name)
        case .broker, .brokerLogger: image.brokers.sorted.map(\.id.description)
        default: image.configs.resources.filter { $0.kind == kind }.map(\.name)
        }
    }
}
