import Foundation
import Metadata
import Primitives
import Quorum
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

/// What this node asks others, where they are nodes of Kafka 4.0.
@Suite("Beside Apache Kafka: the versions of requests")
struct BesideKafkaTests {
    /// The versions that a node of Kafka 4.0 answers.
    private static let kafka40: [APIKey: ClosedRange<Int16>] = [
        VoteRequest.key: 0...2, BeginQuorumEpochRequest.key: 0...1, EndQuorumEpochRequest.key: 0...1,
        FetchRequest.key: 4...17, FetchSnapshotRequest.key: 0...1, DescribeQuorumRequest.key: 0...2,
        AddRaftVoterRequest.key: 0...0, RemoveRaftVoterRequest.key: 0...0, UpdateRaftVoterRequest.key: 0...0,
        AlterPartitionRequest.key: 2...3, BrokerRegistrationRequest.key: 0...4, BrokerHeartbeatRequest.key: 0...1,
        ControllerRegistrationRequest.key: 0...0, AllocateProducerIdsRequest.key: 0...0,
        AssignReplicasToDirsRequest.key: 0...0, EnvelopeRequest.key: 0...0, ListOffsetsRequest.key: 1...10,
        CreateTopicsRequest.key: 2...7, DescribeClusterRequest.key: 0...2,
    ]

    private static let messages = OutgoingQuorumMessages(
        clusterID: "c", ownEndpoint: VoterEndpoint(listenerName: "CONTROLLER", host: "h", port: 9_093),
        fetchBytesMax: 1 << 20, snapshotBytesMax: 1 << 20)
    private static let me = ReplicaKey(id: BrokerID(1), directoryID: DirectoryID(high: 1, low: 1))

    private func peer(_ versions: [APIKey: ClosedRange<Int16>]) -> PeerVersions {
        var response = ApiVersionsResponse()
        for (key, range) in versions {
            var listed = ApiVersionsResponse.ApiVersion()
            listed.apiKey = key.value
            listed.minVersion = range.lowerBound
            listed.maxVersion = range.upperBound
            response.apiKeys.append(listed)
        }
        return PeerVersions(response)
    }

    /// The version in which a request goes out, and the request as the peer reads it.
    private func sent<Request: WireRequest>(
        _ request: Request, to peer: PeerVersions, minVersion: Int16? = nil
    ) throws -> (version: Int16, request: Request)? {
        let versions = (minVersion ?? Request.versions.lowerBound)...Request.versions.upperBound
        let outgoing = PeerRequest(
            key: Request.key, versions: versions, firstFlexible: Request.firstFlexible, deadline: MonotonicInstant(0),
            encode: { version, _ in request.encoded(version: version) }, finish: { _ in })
        guard let version = peer.best(for: outgoing) else { return nil }
        return (version, try Request.decode(outgoing.encode(version, CorrelationID(1)), version: version))
    }

    @Test("every request of the quorum goes out in a version that Kafka 4.0 answers, with all that it needs")
    func quorum() throws {
        let (messages, me, peer) = (Self.messages, Self.me, peer(Self.kafka40))
        func ask(isPreVote: Bool) -> VoteRequest {
            messages.vote(
                VoteAsk(
                    candidate: me, epoch: LeaderEpoch(4), lastEpoch: LeaderEpoch(3), lastOffset: Offset(9),
                    isPreVote: isPreVote, voter: me))
        }
        let preVote = try #require(try sent(ask(isPreVote: true), to: peer, minVersion: 2))
        #expect(preVote.version == 2 && preVote.request == ask(isPreVote: true))
        let begin = messages.beginEpoch(BeginEpochNotice(leaderID: me.id, epoch: LeaderEpoch(4), voter: me))
        #expect(try sent(begin, to: peer)?.version == 1)
        #expect(try sent(begin, to: peer)?.request == begin)
        let end = messages.endEpoch(EndEpochNotice(leaderID: me.id, epoch: LeaderEpoch(4), successors: [me]))
        #expect(try sent(end, to: peer)?.version == 1)
        let known = KnownHighWatermark.known(Offset(5))
        let fetch = messages.fetch(
            LogFetch(
                replica: me, epoch: LeaderEpoch(4), offset: Offset(9), lastFetchedEpoch: LeaderEpoch(3),
                highWatermark: known, maxWaitMilliseconds: 200))
        let fetched = try #require(try sent(fetch, to: peer))
        #expect(fetched.version == 17)
        #expect(fetched.request.replicaState.replicaID == me.id)
        #expect(fetched.request.topics.first?.partitions.first?.replicaDirectoryID == me.directoryID)
        let snapshot = SnapshotID(endOffset: Offset(7), epoch: LeaderEpoch(2))
        let piece = messages.fetchSnapshot(
            SnapshotFetch(replica: me, epoch: LeaderEpoch(4), snapshot: snapshot, position: 0))
        #expect(try sent(piece, to: peer)?.version == 1)
        let voter = Voter(
            key: me, endpoints: [VoterEndpoint(listenerName: "CONTROLLER", host: "h", port: 9_093)],
            kraftVersions: 0...1)
        #expect(try sent(messages.updateVoter(UpdateVoterAsk(voter: voter, epoch: LeaderEpoch(4))), to: peer) != nil)
        #expect(try sent(messages.removeVoter(RemoveVoterAsk(key: me, timeoutMilliseconds: 9)), to: peer) != nil)
        // A controller that joins by itself says "answer before it is committed", which 4.0 can't read.
        let join = messages.addVoter(AddVoterAsk(voter: voter, timeoutMilliseconds: 9, answersWhenCommitted: false))
        #expect(try sent(join, to: peer, minVersion: 1) == nil)
        let patient = messages.addVoter(AddVoterAsk(voter: voter, timeoutMilliseconds: 9))
        #expect(try sent(patient, to: peer)?.version == 0)
    }

    @Test("a pre-vote finds no version at a peer that knows none, and never goes out as a vote")
    func noPreVote() throws {
        var versions = Self.kafka40
        versions[VoteRequest.key] = 0...1
        var ask = VoteAsk(
            candidate: Self.me, epoch: LeaderEpoch(4), lastEpoch: LeaderEpoch(3), lastOffset: Offset(9),
            isPreVote: true, voter: Self.me)
        #expect(try sent(Self.messages.vote(ask), to: peer(versions), minVersion: 2) == nil)
        ask.isPreVote = false
        #expect(try sent(Self.messages.vote(ask), to: peer(versions))?.version == 1)
    }

    @Test("what a broker asks a controller or another broker has a version that Kafka 4.0 answers")
    func brokers() throws {
        let peer = peer(Self.kafka40)
        #expect(try sent(BrokerRegistrationRequest(), to: peer)?.version == 4)
        #expect(try sent(ControllerRegistrationRequest(), to: peer)?.version == 0)
        #expect(try sent(AlterPartitionRequest(), to: peer)?.version == 3)
        #expect(try sent(AllocateProducerIdsRequest(), to: peer)?.version == 0)
        #expect(try sent(AssignReplicasToDirsRequest(), to: peer)?.version == 0)
        #expect(try sent(CreateTopicsRequest(), to: peer)?.version == 7)
        #expect(try sent(DescribeClusterRequest(), to: peer)?.version == 2)
        var heartbeat = BrokerHeartbeatRequest()
        heartbeat.offlineLogDirs = [DirectoryID(high: 1, low: 2)]
        heartbeat.loopLagMilliseconds = 4
        let told = try #require(try sent(heartbeat, to: peer))
        #expect(told.version == 1 && told.request.offlineLogDirs == heartbeat.offlineLogDirs)
    }

    @Test(
        "replicas ask each other in the versions that metadata.version finalizes",
        arguments: [(22, 17, 9), (23, 17, 9), (25, 17, 10), (26, 17, 10), (27, 18, 10), (28, 18, 10), (29, 18, 11)]
            as [(Int16, Int16, Int16)])
    func replicas(level: Int16, fetch: Int16, listOffsets: Int16) throws {
        var record = FeatureLevelRecord()
        record.name = FeaturesImage.metadataVersionName
        record.featureLevel = level
        let provenance = MetadataImage.Provenance(end: Offset(1), epoch: LeaderEpoch(1))
        let image = try MetadataImage(records: [.featureLevel(record)], provenance: provenance)
        let versions = ReplicaRequestVersions()
        versions.follow(image.features)
        #expect(versions.fetchMax == fetch && versions.listOffsetsMax == listOffsets)
    }

    @Test("Martlet's own fields are tagged from 10000 on and ignorable: nobody who does not know them trips over them")
    func ownFields() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folder = root.appendingPathComponent("Sources/WireMessages/Definitions")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where file.pathExtension == "wire" {
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                guard let tag = line.firstMatch(of: /\stag (\d+)/), let number = Int(tag.output.1) else { continue }
                guard number >= 100 else { continue }
                count += 1
                #expect(number >= 10_000 && line.contains("ignorable"), "\(file.lastPathComponent): \(line)")
            }
        }
        #expect(count > 5)
    }
}
