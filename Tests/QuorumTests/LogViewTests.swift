import Primitives
import Quorum
import Testing

@Suite("The view of the log")
struct LogViewTests {
    /// Epochs 1 (0–3), 3 (3–7), 4 (7–9).
    private var log: LogView {
        LogView(
            epochs: [(1, 0), (3, 3), (4, 7)].map { EpochStart(epoch: LeaderEpoch($0.0), start: Offset($0.1)) },
            end: Offset(9))
    }

    @Test(
        "the end of an epoch is that of the greatest one not above it",
        arguments: [
            (0, 0, 0), (1, 1, 3), (2, 1, 3), (3, 3, 7), (4, 4, 9), (9, 4, 9),
        ])
    func ends(epoch: Int32, found: Int32, end: Int64) {
        #expect(log.end(of: LeaderEpoch(epoch)) == EpochEnd(epoch: LeaderEpoch(found), end: Offset(end)))
    }

    @Test("a cut forgets the epochs behind it, and what was being flushed")
    func truncate() {
        var log = log
        log.append(epoch: LeaderEpoch(5), through: Offset(12))
        let ticket = log.flushTicket
        log.truncate(to: Offset(5))
        #expect(log.lastEpoch == LeaderEpoch(3) && log.end == Offset(5) && log.flushedEnd == Offset(5))
        log.append(epoch: LeaderEpoch(6), through: Offset(14))
        let isStale = !log.flushed(ticket)
        #expect(isStale, "a flush from before the cut proves nothing")
        #expect(log.flushedEnd == Offset(5))
        let own = log.flushTicket
        let isMore = log.flushed(own)
        #expect(isMore && log.flushedEnd == Offset(14))
    }

    @Test(
        "a dropped prefix leaves the epoch that reaches over it",
        arguments: [(3, [3, 4]), (5, [3, 4]), (7, [4]), (9, [])] as [(Int64, [Int32])])
    func dropPrefix(end: Int64, epochs: [Int32]) {
        var log = log
        let epoch = LeaderEpoch(end > 7 ? 4 : end > 3 ? 3 : 1)
        log.dropPrefix(upTo: SnapshotID(endOffset: Offset(end), epoch: epoch))
        #expect(log.epochs.map(\.epoch) == epochs.map { LeaderEpoch($0) })
        #expect(log.start == Offset(end) && log.lastEpoch == LeaderEpoch(4))
    }

    @Test("positions: agreeing, diverging, behind the start")
    func positions() {
        var log = log
        #expect(log.position(ofEnd: Offset(0), lastEpoch: LeaderEpoch(0)) == .valid)
        #expect(log.position(ofEnd: Offset(5), lastEpoch: LeaderEpoch(3)) == .valid)
        #expect(
            log.position(ofEnd: Offset(8), lastEpoch: LeaderEpoch(3))
                == .diverging(EpochEnd(epoch: LeaderEpoch(3), end: Offset(7))))
        #expect(
            log.position(ofEnd: Offset(5), lastEpoch: LeaderEpoch(2))
                == .diverging(EpochEnd(epoch: LeaderEpoch(1), end: Offset(3))))
        let snapshot = SnapshotID(endOffset: Offset(5), epoch: LeaderEpoch(3))
        log.dropPrefix(upTo: snapshot)
        #expect(log.position(ofEnd: Offset(4), lastEpoch: LeaderEpoch(3)) == .needsSnapshot(snapshot))
        #expect(log.position(ofEnd: Offset(5), lastEpoch: LeaderEpoch(2)) == .needsSnapshot(snapshot))
        #expect(log.position(ofEnd: Offset(5), lastEpoch: LeaderEpoch(3)) == .valid)
        #expect(log.position(ofEnd: Offset(0), lastEpoch: LeaderEpoch(0)) == .needsSnapshot(snapshot))
    }
}
