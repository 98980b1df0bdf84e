import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Sets, deletes, extends and shortens configurations, each resource as a whole.
    ///
    /// - Errors for each resource: UNKNOWN_TOPIC_OR_PARTITION; INVALID_CONFIG; INVALID_REQUEST for kinds of resources
    ///   that have no dynamic configuration here.
    package func incrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest
    ) -> Decision<IncrementalAlterConfigsResponse> {
        var response = IncrementalAlterConfigsResponse()
        var records: [MetadataRecord] = []
        for resource in request.resources {
            var answer = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
            answer.resourceType = resource.resourceType
            answer.resourceName = resource.resourceName
            do throws(Refusal) {
                records += try configRecords(resource)
            } catch {
                answer.errorCode = error.code
                answer.errorMessage = error.message
            }
            response.responses.append(answer)
        }
        return Decision(request.validateOnly ? [] : records, reply: response)
    }

    private func configRecords(
        _ resource: IncrementalAlterConfigsRequest.AlterConfigsResource
    ) throws(Refusal) -> [MetadataRecord] {
        let id = ConfigResource(ConfigResource.Kind(resource.resourceType), resource.resourceName)
        guard id.kind == .topic else {
            throw Refusal(
                .invalidRequest,
                "Only the configurations of topics can be altered at run time; set those of brokers "
                    + "in their properties file.")
        }
        guard image.topics[name: id.name] != nil else {
            throw Refusal(.unknownTopicOrPartition, "The topic '\(id.name)' does not exist.")
        }
        guard Set(resource.configs.map(\.name)).count == resource.configs.count else {
            throw Refusal(.invalidRequest, "Error due to duplicate config keys")
        }
        var records: [MetadataRecord] = []
        for config in resource.configs.sorted(by: { $0.name < $1.name }) {
            if let record = try configRecord(id, config) { records.append(record) }
        }
        return records + eligibilityChanges(after: records, topic: id.name)
    }

    /// A lower `min.insync.replicas` lets the high watermark move without those outside the ISR: they are no longer
    /// known to hold all that is committed. And a topic that allows unclean elections may get a leader.
    private func eligibilityChanges(after records: [MetadataRecord], topic name: String) -> [MetadataRecord] {
        var copy = self
        for record in records { copy.replay(record) }
        return copy.partitionChanges(in: copy.image.topics[name: name].map { [$0] } ?? []) { partition in
            partition.eligibleLeaderReplicas.isEmpty && partition.lastKnownELR.isEmpty && partition.leader != nil
                ? nil : PartitionProposal(isr: partition.isr)
        }
    }

    private func configRecord(
        _ resource: ConfigResource, _ config: IncrementalAlterConfigsRequest.AlterableConfig
    ) throws(Refusal) -> MetadataRecord? {
        guard let operation = ConfigOperation(rawValue: config.configOperation) else {
            throw Refusal(.invalidRequest, "Unknown config operation \(config.configOperation)")
        }
        guard let definition = TopicConfigs.named(config.name) else {
            throw Refusal(.invalidConfig, "Unknown topic config name: \(config.name)")
        }
        let present = image.configs[resource][config.name]
        guard let value = try altered(present, by: operation, config.value, definition) else {
            return present == nil ? nil : ConfigRecord.setting(resource, config.name, to: nil)
        }
        try TopicConfigs.check(config.name, value)
        return present == value ? nil : ConfigRecord.setting(resource, config.name, to: value)
    }

    /// The value after an operation; nil if the key is to be unset.
    private func altered(
        _ present: String?, by operation: ConfigOperation, _ given: String?, _ definition: TopicConfig
    ) throws(Refusal) -> String? {
        if operation == .delete { return nil }
        guard let given else {
            throw Refusal(.invalidRequest, "Null value not supported for: \(definition.name)")
        }
        if operation == .set { return given }
        guard definition.kind.wireType == 7 else {
            throw Refusal(
                .invalidConfig,
                "Can't \(operation == .append ? "APPEND" : "SUBTRACT") to key \(definition.name) "
                    + "because its type is not LIST.")
        }
        let items = definition.items(present ?? definition.defaultValue)
        let operands = definition.items(given)
        let result =
            operation == .append
            ? items + operands.filter { !items.contains($0) } : items.filter { !operands.contains($0) }
        return result.joined(separator: ",")
    }
}

/// What is done to a key, as Kafka numbers it.
private enum ConfigOperation: Int8 {
    case set = 0
    case delete = 1
    case append = 2
    case subtract = 3
}

extension ConfigRecord {
    /// The record that sets a key; unsets it where `value` is nil.
    static func setting(_ resource: ConfigResource, _ key: String, to value: String?) -> MetadataRecord {
        var record = ConfigRecord()
        record.resourceType = resource.kind.value
        record.resourceName = resource.name
        record.name = key
        record.value = value
        return .config(record)
    }
}
