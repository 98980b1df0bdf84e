package import Primitives
import WireMessages
package import WireProtocol

/// Records of the cluster metadata log as JSON: `{"type":"PARTITION_RECORD","version":2,"data":{…}}`.
package enum MetadataRecordJSON {
    private static let frameVersion: UInt32 = 1

    private static let bodies: [any (WireMessage & NamedFields).Type] = [
        RegisterBrokerRecord.self, UnregisterBrokerRecord.self, TopicRecord.self, PartitionRecord.self,
        ConfigRecord.self, PartitionChangeRecord.self, FenceBrokerRecord.self, UnfenceBrokerRecord.self,
        RemoveTopicRecord.self, DelegationTokenRecord.self, UserScramCredentialRecord.self, FeatureLevelRecord.self,
        ClientQuotaRecord.self, ProducerIdsRecord.self, BrokerRegistrationChangeRecord.self,
        AccessControlEntryRecord.self, RemoveAccessControlEntryRecord.self, NoOpRecord.self,
        ZkMigrationStateRecord.self, RemoveUserScramCredentialRecord.self, BeginTransactionRecord.self,
        EndTransactionRecord.self, AbortTransactionRecord.self, RemoveDelegationTokenRecord.self,
        RegisterControllerRecord.self, ClearElrRecord.self,
    ]

    private static let keys: [UInt32] = [
        0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
    ]

    /// The record in the value of a log record, or what is wrong with it.
    package static func json(_ value: Bytes) throws(WireError) -> Result<JSONValue, Refusal> {
        var reader = WireReader(value)
        let frame = try reader.unsignedVarint()
        guard frame == frameVersion else {
            return .failure(Refusal(description: "Unknown frame version \(frame), only \(frameVersion) is supported"))
        }
        let key = try reader.unsignedVarint()
        let version = Int16(truncatingIfNeeded: try reader.unsignedVarint())
        guard let index = keys.firstIndex(of: key) else {
            return .failure(Refusal(description: "Unknown metadata id \(key)"))
        }
        let body = bodies[index]
        let fields = try body.decode(reader.rest(), version: version).namedFields(version: version)
        return .success([
            "type": .text(name(of: "\(body)")), "version": .integer(Int64(version)), "data": JSONValue(fields),
        ])
    }

    /// Why a record that is well-formed can't be shown.
    package struct Refusal: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// `PartitionRecord` as Kafka names its kind: `PARTITION_RECORD`.
    static func name(of type: String) -> String {
        var name = ""
        for character in type {
            if character.isUppercase, !name.isEmpty { name.append("_") }
            name += character.uppercased()
        }
        return name
    }
}
