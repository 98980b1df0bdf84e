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
    }

    /// A peer that names another cluster is not one of ours; one that names none is believed. From any thread.
    func accepts(clusterID: String?) -> Bool {
        clusterID == nil || setup.clusterID == nil || clusterID == setup.clusterID
    }

    var logStartOffset: Offset { replica?.log.start ?? .zero }

    func describe() -> QuorumDescription? { replica?.describe(now: world.clock.now) }

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
