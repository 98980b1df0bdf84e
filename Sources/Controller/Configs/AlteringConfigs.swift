import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Sets, deletes, extends and shortens configurations, each resource as a whole.
    ///
    /// - Errors for each resource: UNKNOWN_TOPIC_OR_PARTITION; BROKER_ID_NOT_REGISTERED; INVALID_CONFIG;
    ///   INVALID_REQUEST for what is named twice, for values that brokers can't have, and for kinds of resources
    ///   without configuration.
    package func incrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest, rules: some BrokerConfigRules
    ) -> Decision<IncrementalAlterConfigsResponse> {
        let targets = request.resources.map { ConfigResource(ConfigResource.Kind($0.resourceType), $0.resourceName) }
        var copy = self
        var response = IncrementalAlterConfigsResponse()
        var records: [MetadataRecord] = []
        for (target, resource) in zip(targets, request.resources) {
            var answer = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
            answer.resourceType = resource.resourceType
            answer.resourceName = resource.resourceName
            answer.errorMessage = nil
            do throws(Refusal) {
                try ClusterController.checkNames(target, among: targets, keys: resource.configs.map(\.name))
                let edits = try copy.edits(of: target, resource.configs, rules)
                records += try copy.apply(edits, to: target, rules)
            } catch {
                answer.errorCode = error.code
                answer.errorMessage = error.message
            }
            response.responses.append(answer)
        }
        return Decision(request.validateOnly ? [] : records, reply: response)
    }

    /// Replaces all configuration of resources, each as a whole: what is not given is unset.
    ///
    /// - Errors for each resource: as `incrementalAlterConfigs`.
    package func alterConfigs(
        _ request: AlterConfigsRequest, rules: some BrokerConfigRules
    ) -> Decision<AlterConfigsResponse> {
        let targets = request.resources.map { ConfigResource(ConfigResource.Kind($0.resourceType), $0.resourceName) }
        var copy = self
        var response = AlterConfigsResponse()
        var records: [MetadataRecord] = []
        for (target, resource) in zip(targets, request.resources) {
            var answer = AlterConfigsResponse.AlterConfigsResourceResponse()
            answer.resourceType = resource.resourceType
            answer.resourceName = resource.resourceName
            answer.errorMessage = nil
            do throws(Refusal) {
                try ClusterController.checkNames(target, among: targets, keys: resource.configs.map(\.name))
                let nulls = resource.configs.filter { $0.value == nil }.map(\.name)
                guard nulls.isEmpty else { throw ConfigEdit.nullRefusal(nulls) }
                let given = resource.configs.map { ConfigEdit(key: $0.name, value: $0.value) }
                let unset = copy.image.configs[target].keys.filter { key in !given.contains { $0.key == key } }
                records += try copy.apply(given + unset.map { ConfigEdit(key: $0, value: nil) }, to: target, rules)
            } catch {
                answer.errorCode = error.code
                answer.errorMessage = error.message
            }
            response.responses.append(answer)
        }
        return Decision(request.validateOnly ? [] : records, reply: response)
    }

    private static func checkNames(
        _ target: ConfigResource, among targets: [ConfigResource], keys: [String]
    ) throws(Refusal) {
        guard targets.filter({ $0 == target }).count == 1 else {
            throw Refusal(.invalidRequest, "Each resource must appear at most once.")
        }
        guard Set(keys).count == keys.count else {
            throw Refusal(.invalidRequest, "Error due to duplicate config keys")
        }
    }

    /// Checks what a resource would have then, and replays the records of it.
    private mutating func apply(
        _ edits: [ConfigEdit], to target: ConfigResource, _ rules: some BrokerConfigRules
    ) throws(Refusal) -> [MetadataRecord] {
        let present = image.configs[target]
        let effective = edits.filter { present[$0.key] != $0.value }.sorted { $0.key < $1.key }
        var next = present
        for edit in effective { next[edit.key] = edit.value }
        switch target.kind {
        case .topic:
            guard image.topics[name: target.name] != nil else {
                throw Refusal(.unknownTopicOrPartition, "The topic '\(target.name)' does not exist.")
            }
            // What was let in earlier stays; only what is new is checked alone, and all of it together.
            for edit in edits { if let value = edit.value { try TopicConfigs.check(edit.key, value) } }
            try TopicConfigs.checkTogether(next)
        case .broker:
            try checkBroker(target.name)
            try checkMinInSyncReplicas(effective, target.name)
            var given: [String: String] = [:]
            for edit in edits { given[edit.key] = edit.value }
            if let refusal = rules.refusal(of: given, isForOneBroker: !target.name.isEmpty) { throw refusal }
        case .group:
            guard !target.name.isEmpty else {
                throw Refusal(.invalidRequest, "Default group resources are not allowed.")
            }
            for edit in edits { if let value = edit.value { try GroupConfigs.check(edit.key, value, rules) } }
        default:
            throw Refusal(
                .invalidRequest, "Resources of type \(target.kind.value) have no configuration that can be altered.")
        }
        let changes = effective.map { ConfigRecord.setting(target, $0.key, to: $0.value) }
        for change in changes { replay(change) }
        let consequences = electionsAfterConfigs(of: target, effective.map(\.key))
        for consequence in consequences { replay(consequence) }
        return changes + consequences
    }

    private func checkBroker(_ name: String) throws(Refusal) {
        if name.isEmpty { return }
        guard let id = Int32(name) else {
            throw Refusal(.invalidRequest, "Node id must be an integer, but it is: \(name)")
        }
        guard image.brokers[BrokerID(id)] != nil || image.controllers[BrokerID(id)] != nil else {
            throw Refusal(.brokerIDNotRegistered, "No broker with id \(id) found.")
        }
    }

    /// Who may be elected is decided by `min.insync.replicas`: while there are eligible leader replicas (KIP-966),
    /// every broker must have the same one.
    private func checkMinInSyncReplicas(_ edits: [ConfigEdit], _ broker: String) throws(Refusal) {
        guard hasEligibleLeaderReplicas, let edit = edits.first(where: { $0.key == "min.insync.replicas" }) else {
            return
        }
        guard broker.isEmpty else {
            throw Refusal(
                .invalidConfig, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
        }
        guard edit.value != nil else {
            throw Refusal(
                .invalidConfig, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
        }
    }

    /// A lower `min.insync.replicas` lets the high watermark move without those outside the ISR: they are no longer
    /// known to hold all that is committed. Where an unclean election is allowed now, it happens now.
    private func electionsAfterConfigs(of target: ConfigResource, _ keys: [String]) -> [MetadataRecord] {
        guard keys.contains(where: { ["min.insync.replicas", "unclean.leader.election.enable"].contains($0) }) else {
            return []
        }
        let topics = target.kind == .topic ? image.topics[name: target.name].map { [$0] } ?? [] : nil
        return partitionChanges(in: topics) { partition in
            let isSettled = partition.eligibleLeaderReplicas.isEmpty && partition.lastKnownELR.isEmpty
            return isSettled && partition.leader != nil ? nil : PartitionProposal(isr: partition.isr)
        }
    }
}

/// What becomes of one key; nil unsets it.
private struct ConfigEdit {
    let key: String
    let value: String?

    static func nullRefusal(_ keys: [String]) -> Refusal {
        Refusal(.invalidRequest, "Null value not supported for : \(keys.joined(separator: ", "))")
    }
}

extension ClusterController {
    /// What the operations of one resource come to.
    private func edits(
        of target: ConfigResource, _ configs: [IncrementalAlterConfigsRequest.AlterableConfig],
        _ rules: some BrokerConfigRules
    ) throws(Refusal) -> [ConfigEdit] {
        let nulls = configs.filter { $0.configOperation != ConfigOperation.delete.rawValue && $0.value == nil }
        guard nulls.isEmpty else { throw ConfigEdit.nullRefusal(nulls.map(\.name)) }
        let present = image.configs[target]
        var edits: [ConfigEdit] = []
        for config in configs {
            guard let operation = ConfigOperation(rawValue: config.configOperation) else {
                throw Refusal(.invalidRequest, "Unknown config operation \(config.configOperation)")
            }
            let given = config.value ?? ""
            switch operation {
            case .set: edits.append(ConfigEdit(key: config.name, value: given))
            case .delete: edits.append(ConfigEdit(key: config.name, value: nil))
            case .append, .subtract:
                var items = try items(of: config.name, present[config.name], target, operation, rules)
                for item in ConfigList.items(given) {
                    if operation == .subtract {
                        items.removeAll { $0 == item }
                    } else if !items.contains(item) {
                        items.append(item)
                    }
                }
                edits.append(ConfigEdit(key: config.name, value: items.joined(separator: ",")))
            }
        }
        return edits
    }

    /// The items that a list has now; where nothing is set, those of the value in force.
    private func items(
        of key: String, _ present: String?, _ target: ConfigResource, _ operation: ConfigOperation,
        _ rules: some BrokerConfigRules
    ) throws(Refusal) -> [String] {
        if target.kind == .broker {
            guard rules.isKnown(key) else { throw Refusal(.invalidConfig, "Unknown config name: \(key)") }
            guard rules.isList(key) else {
                throw Refusal(
                    .invalidConfig, "Config value \(operation.word.lowercased()) is not allowed for config key: \(key)")
            }
            return ConfigList.items(present ?? rules.fixedValue(of: key) ?? "")
        }
        if target.kind == .group {
            throw Refusal(.invalidConfig, "Can't \(operation.word) to key \(key) because its type is not LIST.")
        }
        guard let definition = TopicConfigs.named(key) else {
            throw Refusal(.invalidConfig, "Unknown topic config name: \(key)")
        }
        guard definition.kind.wireType == 7 else {
            throw Refusal(.invalidConfig, "Can't \(operation.word) to key \(key) because its type is not LIST.")
        }
        return ConfigList.items(present ?? defaultConfig(definition).value)
    }
}

/// What IncrementalAlterConfigs asks to be done with one key, by its number on the wire.
package enum ConfigOperation: Int8, Sendable {
    case set = 0
    case delete = 1
    case append = 2
    case subtract = 3

    var word: String { self == .append ? "APPEND" : "SUBTRACT" }
}

/// A value that is a list.
enum ConfigList {
    /// Its items, without white space and empty ones.
    static func items(_ value: String) -> [String] {
        value.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    }
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
