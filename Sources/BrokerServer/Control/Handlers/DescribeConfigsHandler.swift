import Controller
import Metadata
package import Primitives
package import WireMessages

/// DescribeConfigs (API key 32), v1–4, for topics and for this broker.
///
/// Errors for each resource: UNKNOWN_TOPIC_OR_PARTITION; INVALID_TOPIC_EXCEPTION; INVALID_REQUEST for another broker or
/// an unknown kind. Not built: configurations of groups, client metrics and loggers.
package struct DescribeConfigsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...4
    package static let listeners: ListenerKinds = .all

    private typealias Result = DescribeConfigsResponse.DescribeConfigsResult
    private typealias Entry = DescribeConfigsResponse.DescribeConfigsResourceResult
    private typealias Synonym = DescribeConfigsResponse.DescribeConfigsSynonym

    private let nodeID: BrokerID
    private let settings: Settings
    private let topicDefaults: [String: String]
    private let cache: MetadataCache

    package init(nodeID: BrokerID, settings: Settings, cache: MetadataCache) {
        self.nodeID = nodeID
        self.settings = settings
        self.cache = cache
        topicDefaults = TopicDefaults.given(in: settings)
    }

    package func handle(
        _ request: DescribeConfigsRequest, _ context: RequestContext, _ reply: Reply<DescribeConfigsResponse>
    ) {
        let image = cache.current
        var response = DescribeConfigsResponse()
        response.results = request.resources.map { resource in
            var result = Result()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            do throws(Refusal) {
                var entries = try entries(
                    ConfigResource(ConfigResource.Kind(resource.resourceType), resource.resourceName), image)
                if let keys = resource.configurationKeys {
                    entries = entries.filter { keys.contains($0.name) }
                }
                for index in entries.indices {
                    if !request.includeSynonyms { entries[index].synonyms = [] }
                    if !request.includeDocumentation { entries[index].documentation = nil }
                }
                result.configs = entries
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            return result
        }
        reply(response)
    }

    private func entries(_ resource: ConfigResource, _ image: MetadataImage) throws(Refusal) -> [Entry] {
        switch resource.kind {
        case .topic:
            if let complaint = TopicName.complaint(about: resource.name) {
                throw Refusal(.invalidTopicException, complaint)
            }
            guard image.topics[name: resource.name] != nil else {
                throw Refusal(.unknownTopicOrPartition, "This server does not host this topic-partition.")
            }
            let given = image.configs[resource]
            return TopicConfigs.all.map { entry($0, given[$0.name]) }
        case .broker:
            // The empty name asks for what is set at run time for all brokers: nothing.
            if resource.name.isEmpty { return [] }
            guard resource.name == "\(nodeID)" else {
                throw Refusal(
                    .invalidRequest,
                    "Unexpected broker id, expected \(nodeID) or empty string, but received \(resource.name)")
            }
            return SettingTable.all.sorted { $0.name < $1.name }.map(entry)
        case .group, .clientMetrics, .brokerLogger:
            return []
        default:
            throw Refusal(.invalidRequest, "Unsupported resource type: \(resource.kind.value)")
        }
    }

    private func entry(_ config: TopicConfig, _ given: String?) -> Entry {
        var entry = Entry()
        entry.name = config.name
        var synonyms: [Synonym] = []
        if let given { synonyms.append(synonym(config.name, given, .dynamicTopic)) }
        let brokerKey = config.brokerKey ?? config.name
        if let value = topicDefaults[config.name] { synonyms.append(synonym(brokerKey, value, .staticBroker)) }
        synonyms.append(synonym(brokerKey, config.defaultValue, .defaultValue))
        entry.value = synonyms[0].value
        entry.configSource = synonyms[0].source
        entry.synonyms = synonyms
        entry.configType = config.kind.wireType
        entry.documentation = config.meaning
        return entry
    }

    private func entry(_ setting: Setting) -> Entry {
        var entry = Entry()
        entry.name = setting.name
        entry.readOnly = true
        var synonyms: [Synonym] = []
        if settings.isGiven(setting.name), let value = settings.optionalString(setting.name) {
            synonyms.append(synonym(setting.name, value, .staticBroker))
        }
        if let value = setting.defaultValue { synonyms.append(synonym(setting.name, value, .defaultValue)) }
        entry.value = synonyms.first?.value
        entry.configSource = synonyms.first?.source ?? ConfigSource.defaultValue.rawValue
        entry.synonyms = synonyms
        entry.configType = setting.wireType
        entry.documentation = setting.meaning
        return entry
    }

    private func synonym(_ name: String, _ value: String, _ source: ConfigSource) -> Synonym {
        var synonym = Synonym()
        synonym.name = name
        synonym.value = value
        synonym.source = source.rawValue
        return synonym
    }
}

extension Setting {
    /// Kafka's number of the type in DescribeConfigs.
    var wireType: Int8 {
        switch kind {
        case .boolean: 1
        case .string: 2
        case .integer(let range): range.upperBound <= Int64(Int32.max) ? 3 : 5
        case .list: 7
        }
    }
}
