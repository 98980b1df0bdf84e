import Logging
import LogStorage
import Metadata
import Primitives
import Synchronization
import World

/// One piece of the work of a move, on a thread of the target's disk.
struct MoveStep {
    /// What becomes of the move.
    enum Outcome: Hashable {
        case again(afterMilliseconds: Int64)
        /// The replica lies in its new directory.
        case arrived(from: String)
        /// It stays where it is, as was asked for, or is removed.
        case calledOff
        case failed(String)
    }

    /// Bytes that one piece of work copies.
    private static let chunkBytes = 1 << 20
    /// What was copied is flushed after so much: the last flush, for which producers wait, is short.
    private static let unflushedBytesMax: Int64 = 32 << 20
    /// The pause before something is looked at again that comes by itself.
    private static let lookMilliseconds: Int64 = 20
    /// The pause where a throttle, a full disk or damage holds the move up.
    private static let restMilliseconds: Int64 = 200

    let move: ReplicaMove
    let moves: ReplicaMoves
    private var partition: Partition { move.partition }
    private var services: PartitionServices { moves.services }

    init(_ move: ReplicaMove, _ moves: ReplicaMoves) {
        self.move = move
        self.moves = moves
    }

    /// Goes on for a while.
    func run() -> Outcome {
        move.work.withLock { work in
            do throws(FutureLog.Failure) { return try advance(&work) } catch { return failed(error, &work) }
        }
    }

    private func advance(_ work: inout ReplicaMove.Work) throws(FutureLog.Failure) -> Outcome {
        let destination = move.destination
        guard let target = work.target, work.future != nil else {
            if work.target == nil || work.target == destination { return try begin(destination, &work) }
            return giveUp(&work)
        }
        guard moves.directories.isOnline(target) else { return targetFailed(target, &work) }
        if partition.copyHindrance == .closed { return giveUp(&work) }
        return target == destination ? try copy(to: target, &work) : giveUp(&work)
    }

    // MARK: the copy

    private func begin(_ destination: String, _ work: inout ReplicaMove.Work) throws(FutureLog.Failure) -> Outcome {
        if destination == partition.logDirectory { return .calledOff }
        guard moves.directories.isOnline(destination) else {
            return .failed("the log directory \(destination) is offline")
        }
        switch partition.copyPiece(from: .zero, maxBytes: 0) {
        case .success: break
        case .failure(.notNow): return .again(afterMilliseconds: MoveStep.lookMilliseconds)
        case .failure(.closed): return .calledOff
        case .failure(.offline), .failure(.damaged): return .failed("the log is offline or damaged")
        }
        // From here on it is not compacted: what is copied now has to agree with what is copied later.
        partition.isMoving(true)
        moves.directories.reserve(partition.directoryName, in: destination)
        work.target = destination
        let configuration = partition.settings.log
        let name = work.found ?? partition.directoryName.asided(.future, id: moves.freshID())
        work.future = try FutureLog.open(
            name, in: destination, topic: partition.id.topic,
            keepsContent: work.found != nil && !configuration.isCompacted, configuration: configuration,
            files: services.files, now: services.clock.timeOfDay)
        work.found = nil
        move.show(work.future?.log, in: work.target)
        return .again(afterMilliseconds: 0)
    }

    private func copy(to target: String, _ work: inout ReplicaMove.Work) throws(FutureLog.Failure) -> Outcome {
        let now = services.clock.now
        if services.throttles.directories.isExceeded(now: now) || moves.isFull(target) {
            return .again(afterMilliseconds: MoveStep.restMilliseconds)
        }
        switch try copyPiece(&work) {
        case .working: return .again(afterMilliseconds: 0)
        case .hindered(.notNow): return .again(afterMilliseconds: MoveStep.lookMilliseconds)
        case .hindered(.closed): return giveUp(&work)
        case .hindered(.offline): return sourceFailed(&work)
        case .hindered(.damaged):
            // It is mended first; then its copy is made of the new log.
            return .again(afterMilliseconds: MoveStep.restMilliseconds)
        case .atEnd: break
        }
        try work.future?.flush()
        guard moves.isKnown(partition, toLieIn: target) else {
            if move.announcedDirectory == nil {
                move.announcedDirectory = target
                moves.tell(partition, liesIn: target)
            }
            return .again(afterMilliseconds: MoveStep.lookMilliseconds)
        }
        move.announcedDirectory = target
        return try DirectorySwitch(move, moves).run(&work) { work throws(FutureLog.Failure) in try copyPiece(&work) }
    }

    /// What a piece came to.
    enum Piece: Hashable {
        case working
        /// The copy has all that the log had a moment ago.
        case atEnd
        case hindered(Partition.CopyHindrance)
    }

    private func copyPiece(_ work: inout ReplicaMove.Work) throws(FutureLog.Failure) -> Piece {
        guard let end = work.future?.endOffset else { preconditionFailure("a copy that is not open") }
        let piece: Partition.CopyPiece
        switch partition.copyPiece(from: end, maxBytes: MoveStep.chunkBytes) {
        case .success(let found): piece = found
        case .failure(let hindrance): return .hindered(hindrance)
        }
        let (source, timeOfDay) = (piece.source, services.clock.timeOfDay)
        let isSameLog = work.logNumber == piece.logNumber
        let follows = try work.future?.align(with: source, isSameLog: isSameLog, now: timeOfDay) ?? false
        work.logNumber = piece.logNumber
        defer { move.show(work.future?.log, in: work.target) }
        guard follows else { return .working }
        guard !source.slice.isEmpty else { return work.future?.endOffset == source.logEnd ? .atEnd : .working }
        let bytes: Bytes
        do throws(StorageError) { bytes = try source.slice.read() } catch { throw .source(error) }
        // A log that was cut meanwhile has other bytes there by now.
        guard partition.isUncut(since: piece) else { return .working }
        do throws(FutureLog.Failure) { try work.future?.append(bytes, now: timeOfDay) } catch {
            guard case .source(let refusal) = error else { throw error }
            throw .source(
                .corrupt(path: source.slice.file.path, position: source.slice.position, reason: "\(refusal)"))
        }
        moves.copied(bytes: bytes.count)
        work.unflushedBytes += Int64(bytes.count)
        if work.unflushedBytes >= MoveStep.unflushedBytesMax {
            try work.future?.flush()
            work.unflushedBytes = 0
        }
        return source.isLast ? .atEnd : .working
    }

    // MARK: ends

    /// Removes the copy, but not before the metadata names the log's own directory.
    private func giveUp(_ work: inout ReplicaMove.Work) -> Outcome {
        let isRemoved = partition.copyHindrance == .closed
        if !isRemoved {
            move.announcedDirectory = nil
            guard moves.isKnown(partition, toLieIn: partition.logDirectory) else {
                moves.tell(partition, liesIn: partition.logDirectory)
                return .again(afterMilliseconds: MoveStep.restMilliseconds)
            }
        }
        if let failure = drop(&work) { return failure }
        return isRemoved || move.destination == partition.logDirectory
            ? .calledOff : .again(afterMilliseconds: 0)
    }

    /// Removes the copy; a failure of its disk is told.
    private func drop(_ work: inout ReplicaMove.Work) -> Outcome? {
        guard let target = work.target else { return nil }
        defer {
            moves.directories.unreserve(partition.directoryName, in: target)
            work = ReplicaMove.Work()
            move.show(nil)
        }
        do throws(FileError) {
            if let found = work.found { try services.files.removeTree("\(target)/\(found)") }
            try work.future?.discard()
        } catch {
            services.logFailed(LogFailure(directory: target, reason: "\(error)"))
            return .failed("\(error)")
        }
        return nil
    }

    private func targetFailed(_ target: String, _ work: inout ReplicaMove.Work) -> Outcome {
        moves.directories.unreserve(partition.directoryName, in: target)
        work = ReplicaMove.Work()
        move.show(nil)
        move.announcedDirectory = nil
        move.destination = partition.logDirectory
        moves.tell(partition, liesIn: partition.logDirectory)
        return .failed("the log directory \(target) is offline")
    }

    /// The log's own disk failed. The copy lacks records; it stays for a start with that disk in order.
    private func sourceFailed(_ work: inout ReplicaMove.Work) -> Outcome {
        if let target = work.target { moves.directories.unreserve(partition.directoryName, in: target) }
        work = ReplicaMove.Work()
        move.show(nil)
        move.announcedDirectory = nil
        moves.tell(partition, liesIn: partition.logDirectory)
        return .failed("the log is offline")
    }

    private func failed(_ failure: FutureLog.Failure, _ work: inout ReplicaMove.Work) -> Outcome {
        switch failure {
        case .source(.file(let error)):
            partition.diskFailed(error)
            return sourceFailed(&work)
        case .source(let error):
            // The look finds out whether the log is damaged; if not, it was cut while it was read.
            if case .corrupt(let path, _, _) = error { partition.suspect(path) }
            return .again(afterMilliseconds: MoveStep.restMilliseconds)
        case .target(.file(let error)) where error.kind == .noSpace:
            moves.log.error("a replica does not move: the disk is full", metadata: ["error": "\(error)"])
            move.destination = partition.logDirectory
            return .again(afterMilliseconds: 0)
        case .target(let error):
            guard let target = work.target else { return .failed("\(error)") }
            services.logFailed(LogFailure(directory: target, reason: "\(error)"))
            return targetFailed(target, &work)
        }
    }
}
