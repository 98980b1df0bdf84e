import Primitives
import Quorum
import World

/// What the handlers need of the host.
extension QuorumHost {
    /// Adds the quorum's APIs but Fetch, which a broker shares (see `MetadataFetchHandler`).
    package func register(in table: inout HandlerTable) {
        table.register(VoteHandler(self))
        table.register(BeginQuorumEpochHandler(self))
        table.register(EndQuorumEpochHandler(self))
        table.register(FetchSnapshotHandler(self))
        table.register(DescribeQuorumHandler(self))
        table.register(UpdateRaftVoterHandler(self))
    }

    /// The level of `kraft.version` that this node's own log says, committed or not. On the control loop.
    var kraftVersionOfLog: Int16 { replica?.history.kraftVersion ?? 0 }

    /// Why `level` of `kraft.version` can't be finalized by this node now; nil where it can, or is already. On the
    /// control loop.
    func refusal(ofKraftVersion level: Int16) -> VoterRefusal? {
        guard let replica else { return .notLeading }
        return replica.refusal(ofKraftVersion: level)
    }

    /// Writes a level of `kraft.version` to the log: from 0 to 1 makes static voters dynamic (KIP-853). On the control
    /// loop, where nothing refuses it; it is committed with whatever is appended behind it.
    func writeKraftVersion(_ level: Int16, timeoutMilliseconds: Int64) {
        ask(.finalizeKraftVersion(KraftVersionAsk(level: level, timeoutMilliseconds: timeoutMilliseconds))) { _ in }
    }

    /// A peer that names another cluster is not one of ours; one that names none is believed. From any thread.
    func accepts(clusterID: String?) -> Bool {
        clusterID == nil || setup.clusterID == nil || clusterID == setup.clusterID
    }

    var logStartOffset: Offset { replica?.log.start ?? .zero }

    func describe() -> QuorumDescription? { replica?.describe(now: world.clock.now) }

    /// All listeners of a voter, as the log has them; the one that is connected to where only the configuration tells.
    func endpoints(ofVoter id: BrokerID) -> [VoterEndpoint] {
        let recorded = replica?.voters.voter(id)?.endpoints ?? []
        return recorded.isEmpty ? endpoint(of: id).map { [$0] } ?? [] : recorded
    }

    /// Whole batches from `offset` to the log's end; nil when the node has to end for it.
    func readLog(from offset: Offset, maxBytes: Int) -> Bytes? {
        guard let end = replica?.log.end else { return nil }
        do { return try store?.read(from: offset, upTo: end, maxBytes: maxBytes) } catch {
            fail("reading the metadata log failed: \(error)")
            return nil
        }
    }

    /// A piece of a snapshot; nil when the snapshot is not there (any more).
    func snapshotPiece(_ fetch: SnapshotFetch, maxBytes: Int) -> SnapshotPiece? {
        do {
            return try store?.snapshots.piece(fetch.snapshot, from: fetch.position, maxBytes: maxBytes)
        } catch {
            fail("reading a metadata snapshot failed: \(error)")
            return nil
        }
    }
}
