import Primitives
import Quorum
import WireMessages
import WireProtocol

/// The voters as they stand in control records (KIP-853).
extension VotersRecord {
    init(_ set: VoterSet) {
        self.init()
        voters = set.members.map { member in
            var voter = Voter()
            voter.voterID = member.key.id
            voter.voterDirectoryID = member.key.directoryID ?? .zero
            voter.endpoints = member.endpoints.map { known in
                var endpoint = Endpoint()
                endpoint.name = known.listenerName
                endpoint.host = known.host
                endpoint.port = known.port
                return endpoint
            }
            voter.kRaftVersionFeature.minSupportedVersion = member.kraftVersions.lowerBound
            voter.kRaftVersionFeature.maxSupportedVersion = member.kraftVersions.upperBound
            return voter
        }
    }

    /// The voters that the record names.
    ///
    /// - Throws: when an id stands there twice, or a range of versions ends before it begins.
    func set() throws(MetadataLogFailure) -> VoterSet {
        var members: [Quorum.Voter] = []
        for voter in voters {
            let versions = voter.kRaftVersionFeature
            guard versions.minSupportedVersion <= versions.maxSupportedVersion,
                !members.contains(where: { $0.key.id == voter.voterID })
            else { throw MetadataLogFailure("a record of the voters makes no sense: \(voter)") }
            members.append(
                Quorum.Voter(
                    key: MetadataPartition.key(voter.voterID, voter.voterDirectoryID),
                    endpoints: voter.endpoints.map {
                        VoterEndpoint(listenerName: $0.name, host: $0.host, port: $0.port)
                    },
                    kraftVersions: versions.minSupportedVersion...versions.maxSupportedVersion))
        }
        return VoterSet(members: members)
    }
}

/// The control records of the metadata log that change the quorum.
enum QuorumControlRecords {
    /// What a batch changes; nothing where it is of ordinary records.
    static func changes(in batch: RecordBatch) throws -> [QuorumChange] {
        guard batch.header.attributes.isControl else { return [] }
        var made: [QuorumChange] = []
        var records = try RecordIterator(batch)
        while let record = try records.next() {
            guard let key = record.key, let value = record.value, let content = try content(key, value) else {
                continue
            }
            made.append(QuorumChange(offset: record.offset, content))
        }
        return made
    }

    /// What one control record changes; nil for the other kinds.
    static func content(_ key: Bytes, _ value: Bytes) throws -> QuorumChange.Content? {
        switch try ControlRecordType(key: key) {
        case .kraftVersion: .kraftVersion(try KRaftVersionRecord.decode(value, version: 0).kRaftVersion)
        case .kraftVoters: .voters(try VotersRecord.decode(value, version: 0).set())
        case .abort, .commit, .leaderChange, .snapshotHeader, .snapshotFooter, nil: nil
        }
    }

    /// Writes a change as a control record.
    static func append(_ content: QuorumChange.Content, to builder: inout RecordBatchBuilder, timestamp: Timestamp) {
        switch content {
        case .voters(let set):
            builder.append(control: .kraftVoters, timestamp: timestamp, value: VotersRecord(set).encoded(version: 0))
        case .kraftVersion(let level):
            var record = KRaftVersionRecord()
            record.kRaftVersion = level
            builder.append(control: .kraftVersion, timestamp: timestamp, value: record.encoded(version: 0))
        }
    }
}
