import Logging
import LogStorage
import Primitives
import Synchronization
import World

/// The end of a move: the log is held, its copy gets the rest, and takes its name and its place.
///
/// In this order, each step durable before the next: the copy is whole; it has the log's name in the new directory; the
/// old one has lost it; producers go on. A crash before the second leaves the log where it was, a crash after it leaves
/// two that hold the same, of which the metadata names the new one.
struct DirectorySwitch {
    private let move: ReplicaMove
    private let moves: ReplicaMoves
    private var partition: Partition { move.partition }

    /// Pieces that a held log has at most, to be copied while producers wait.
    private static let piecesMax = 256
    private static let lookMilliseconds: Int64 = 20

    init(_ move: ReplicaMove, _ moves: ReplicaMoves) {
        self.move = move
        self.moves = moves
    }

    /// Makes the switch; `copyPiece` copies what is left.
    func run(
        _ work: inout ReplicaMove.Work,
        copyPiece: (inout ReplicaMove.Work) throws(FutureLog.Failure) -> MoveStep.Piece
    ) throws(FutureLog.Failure) -> MoveStep.Outcome {
        guard let target = work.target, partition.beginHold() else { return again }
        defer { partition.endHold() }
        guard try copyRest(&work, copyPiece), let log = partition.heldLog, work.future?.endOffset == log.logEndOffset
        else { return again }
        try work.future?.complete(as: log)
        let former = partition.logDirectory
        var taken = Taken.removed
        let result: Result<Taken, FutureLog.Failure>? = partition.onDirectory {
            Result { () throws(FutureLog.Failure) in try take(&work, target: target, former: former) }
        }
        if let result { taken = try result.get() }
        switch taken {
        case .removed: return again
        case .blocked: return .failed("\(target)/\(partition.directoryName) is in the way")
        case .done(let left):
            work = ReplicaMove.Work()
            move.show(nil)
            move.announcedDirectory = nil
            moves.directories.moved(partition.directoryName, from: former, to: target)
            if let left { remove(left, in: former) }
            return .arrived(from: former)
        }
    }

    private var again: MoveStep.Outcome { .again(afterMilliseconds: DirectorySwitch.lookMilliseconds) }

    /// True when the copy has all.
    private func copyRest(
        _ work: inout ReplicaMove.Work,
        _ copyPiece: (inout ReplicaMove.Work) throws(FutureLog.Failure) -> MoveStep.Piece
    ) throws(FutureLog.Failure) -> Bool {
        for _ in 0..<DirectorySwitch.piecesMax {
            let end = work.future?.endOffset
            switch try copyPiece(&work) {
            case .working: continue
            case .hindered: return false
            // Once more, so that the copy's start is the log's.
            case .atEnd: if work.future?.endOffset == end { return true }
            }
        }
        return false
    }

    private enum Taken: Sendable {
        case removed
        case blocked
        /// What is left of the former log, under another name; nil where its disk failed.
        case done(left: String?)
    }

    /// The directories change their names. While this runs the replica's directory is nobody else's.
    private func take(
        _ work: inout ReplicaMove.Work, target: String, former: String
    ) throws(FutureLog.Failure) -> Taken {
        guard partition.heldLog != nil else { return .removed }
        guard try work.future?.takeName(partition.directoryName) == true, let copy = work.future?.log else {
            return .blocked
        }
        if !partition.replaceLog(by: copy) {
            // The node stops, or the replica is removed: the files are in order without it.
            var unused = copy
            unused.abandon()
        }
        partition.moved(to: target)
        do throws(FileError) {
            let directory = LogDirectory(path: former, files: moves.services.files)
            return .done(left: try directory.setAside(partition.directoryName, as: .deleted, id: moves.freshID()))
        } catch {
            moves.services.logFailed(LogFailure(directory: former, reason: "\(error)"))
            return .done(left: nil)
        }
    }

    private func remove(_ left: String, in former: String) {
        let (files, log) = (moves.services.files, moves.log)
        moves.services.disks[former].pool.run {
            do throws(FileError) { try LogDirectory(path: former, files: files).remove(left) } catch {
                log.warning("what a moved replica left stays", metadata: ["path": "\(left)", "error": "\(error)"])
            }
        }
    }
}
