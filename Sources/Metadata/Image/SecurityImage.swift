import HashTreeCollections
import Primitives
package import WireMessages

/// Access rules, credentials, tokens and quotas, kept as they were recorded.
package struct SecurityImage: Hashable, Sendable {
    private struct CredentialKey: Hashable, Comparable {
        let user: String
        let mechanism: Int8
        static func < (left: CredentialKey, right: CredentialKey) -> Bool {
            left.user == right.user ? left.mechanism < right.mechanism : left.user < right.user
        }
    }

    private var rulesByID: TreeDictionary<UUID128, AccessControlEntryRecord> = [:]
    private var credentials: TreeDictionary<CredentialKey, UserScramCredentialRecord> = [:]
    private var tokensByID: TreeDictionary<String, DelegationTokenRecord> = [:]
    private var quotas: TreeDictionary<[String], ClientQuotaRecord> = [:]

    package init() {}

    /// All access rules, ordered by id.
    package var accessRules: [AccessControlEntryRecord] { rulesByID.sorted { $0.key < $1.key }.map(\.value) }

    mutating func add(_ record: AccessControlEntryRecord) { rulesByID[record.id] = record }

    mutating func remove(_ record: RemoveAccessControlEntryRecord) { rulesByID[record.id] = nil }

    mutating func set(_ record: UserScramCredentialRecord) {
        credentials[CredentialKey(user: record.name, mechanism: record.mechanism)] = record
    }

    mutating func remove(_ record: RemoveUserScramCredentialRecord) {
        credentials[CredentialKey(user: record.name, mechanism: record.mechanism)] = nil
    }

    mutating func set(_ record: DelegationTokenRecord) { tokensByID[record.tokenID] = record }

    mutating func remove(_ record: RemoveDelegationTokenRecord) { tokensByID[record.tokenID] = nil }

    mutating func set(_ record: ClientQuotaRecord) {
        let parts = record.entity.map { "\($0.entityType)\u{0}\($0.entityName ?? "\u{0}")" }.sorted() + [record.key]
        quotas[parts] = record.remove ? nil : record
    }

    var records: [MetadataRecord] {
        let rules = accessRules.map { MetadataRecord.accessControlEntry($0) }
        let keys = credentials.sorted { $0.key < $1.key }.map { MetadataRecord.userScramCredential($0.value) }
        let tokens = tokensByID.sorted { $0.key < $1.key }.map { MetadataRecord.delegationToken($0.value) }
        let limits = quotas.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { MetadataRecord.clientQuota($0.value) }
        return keys + limits + tokens + rules
    }
}
