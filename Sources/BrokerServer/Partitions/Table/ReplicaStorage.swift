import Logging
import LogStorage
import Metadata
import Primitives
import Synchronization
import World

/// Opens, sets aside and removes the directories of replicas. All of it blocks: for the pool.
struct ReplicaStorage: Sendable {
    let services: PartitionServices
    let directories: DataDirectories
    let randomness: any Randomness
    let log: Logger

    /// Opens (recovers, or makes) a replica's log and lets it take its role.
    func open(_ partition: Partition, _ place: DataDirectories.Place) {
        if let missing = place.missing { return isMissing(partition, missing) }
        if let doubt = place.doubt { return isDoubted(partition, doubt) }
        do {
            let opened = try openLog(partition, place)
            let (me, now) = (services.me, services.clock.now)
            partition.step { state, after in
                guard state.isOpening else {
                    // Removed meanwhile.
                    var closing = opened
                    closing.abandon()
                    return
                }
                state.opened(opened, me: me, now: now, &after)
            }
        } catch let error as StorageError where !error.takesDirectoryOffline {
            log.error("the replica is offline: its log is damaged", metadata: ["error": "\(error)"])
            let damage =
                error.damage ?? LogDamage(path: partition.directory, position: 0, offset: nil, reason: "\(error)")
            partition.step { state, after in
                guard state.isOpening else { return }
                state.goOffline("\(error)", &after)
                _ = state.remember(damage)
            }
            services.damageFound(partition)
        } catch let error where ReplicaStorage.isForbidden(error) {
            log.error(
                "the replica is offline: the node may not read or write it",
                metadata: ["error": "\(error)", "remedy": "give the directory to the user that runs the node, restart"])
            partition.step { state, after in state.goOffline("\(error)", &after) }
        } catch {
            partition.step { state, after in state.goOffline("\(error)", &after) }
            services.logFailed(LogFailure(directory: partition.logDirectory, reason: "\(error)"))
        }
    }

    /// The directory holds records, and it can't be read of which topic: perhaps of an older one of this name. It is
    /// set aside and made anew once another leads that holds all that is committed, as where its log is damaged.
    private func isDoubted(_ partition: Partition, _ doubt: String) {
        log.error(
            "the replica is offline: it is not known whose records its directory holds",
            metadata: [
                "reason": .string(doubt),
                "remedy":
                    """
                none where other replicas are in sync; else, if the records are of this topic, write two lines into \
                the file, `version: 0` and `topic_id: \(partition.id.topic)`, or move the directory away; then restart
                """,
            ])
        lose(partition, doubt)
    }

    /// The replica held records, and its directory is gone. An empty one would pass for it: the controller is told that
    /// it is lost, and it is made anew once another leads that holds all that is committed.
    private func isMissing(_ partition: Partition, _ reason: String) {
        log.error(
            "the directory of a replica is gone",
            metadata: [
                "log": "\(partition.directory)", "reason": "\(reason)",
                "remedy":
                    """
                none where other replicas are in sync; else stop the node and put the directory back, or, to give the \
                records up, make it with a file partition.metadata of two lines, `version: 0` and `topic_id: \
                \(partition.id.topic)`; then start
                """,
            ])
        lose(partition, "its directory is gone", reason)
    }

    /// Takes a replica offline whose records can't be used as they are; it is made anew from a leader that has all.
    private func lose(_ partition: Partition, _ cause: String, _ reason: String? = nil) {
        let damage = LogDamage(path: partition.directory, position: 0, offset: nil, reason: reason ?? cause)
        partition.step { state, after in
            guard state.isOpening else { return }
            state.goOffline(cause, &after)
            _ = state.remember(damage)
        }
        services.damageFound(partition)
    }

    /// One file of another owner is no failed disk.
    private static func isForbidden(_ error: any Error) -> Bool {
        if case StorageError.file(let file) = error { return file.kind == .permission }
        return (error as? FileError)?.kind == .permission
    }

    private func openLog(_ partition: Partition, _ place: DataDirectories.Place) throws -> PartitionLog {
        if let stranger = place.stranger {
            log.warning("a directory of another topic of this name is set aside", metadata: ["was": "\(stranger)"])
            _ = try LogDirectory(path: place.directory, files: services.files).setAside(
                stranger, as: .stray, id: freshID())
        }
        if !services.files.exists("\(partition.directory)/\(PartitionMetadataFile.fileName)") {
            try services.files.createDirectory(partition.directory)
            try PartitionMetadataFile.write(partition.id.topic, in: partition.directory, services.files)
        }
        let (opened, report) = try PartitionLog.open(
            directory: partition.directory, files: services.files, configuration: partition.settings.log,
            start: place.start, now: services.clock.timeOfDay)
        if report.truncatedBytes > 0 || report.rebuiltIndexes > 0 {
            log.info("log recovered", metadata: ["log": "\(partition.directory)", "report": "\(report)"])
        }
        for path in report.ignoredFiles {
            log.warning("a damaged file is made anew from the log", metadata: ["file": "\(path)"])
        }
        return opened
    }

    /// Sets a damaged log aside and begins an empty one in its place, to be filled by the leader. Nothing is deleted:
    /// what is sound in it may be all that is left of some record.
    func rebuild(_ partition: Partition) {
        guard partition.state.withLock({ $0.isOpening }) else { return }
        do throws(FileError) {
            // Not while a flush or a write of it runs: that one writes into the directory of this name.
            let asided = try partition.onDirectory { () throws(FileError) in
                try partition.onDirectoryForWriting { () throws(FileError) -> String? in
                    guard services.files.exists(partition.directory) else { return nil }
                    return try LogDirectory(path: partition.logDirectory, files: services.files).setAside(
                        partition.directoryName, as: .stray, id: freshID())
                }
            }
            if case let asided??? = asided {
                log.warning("a damaged log is set aside, and a new one begun", metadata: ["path": "\(asided)"])
            }
        } catch {
            partition.step { state, after in state.goOffline("\(error)", &after) }
            return services.logFailed(LogFailure(directory: partition.logDirectory, reason: "\(error)"))
        }
        open(
            partition,
            DataDirectories.Place(
                directory: partition.logDirectory, start: .clean, highWatermark: .zero, stranger: nil))
    }

    /// Renames the directory of a removed replica, then removes it.
    func discard(_ partition: Partition) {
        defer { directories.release(partition.logDirectory) }
        var renamed: String?
        do throws(FileError) {
            try partition.leaveDirectory { () throws(FileError) in
                guard services.files.exists(partition.directory) else { return }
                renamed = try LogDirectory(path: partition.logDirectory, files: services.files).setAside(
                    partition.directoryName, as: .deleted, id: freshID())
            }
            if let renamed { try LogDirectory(path: partition.logDirectory, files: services.files).remove(renamed) }
        } catch {
            services.logFailed(LogFailure(directory: partition.logDirectory, reason: "\(error)"))
        }
    }

    /// Renames what no metadata has claimed.
    func setAsideStrays() {
        for (directory, name) in directories.takeUnclaimed() {
            do throws(FileError) {
                let asided = try LogDirectory(path: directory, files: services.files).setAside(
                    name, as: .stray, id: freshID())
                log.warning("a partition that metadata does not know is set aside", metadata: ["path": "\(asided)"])
            } catch {
                log.error("a stray partition can't be set aside", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Ends the removals that a crash interrupted: only what was renamed for it.
    func removeLeftovers() {
        for (directory, path) in directories.leftovers {
            do throws(FileError) { try LogDirectory(path: directory, files: services.files).remove(path) } catch {
                log.error("what is left of a removed replica can't be removed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func freshID() -> UUID128 { UUID128(high: randomness.next(), low: randomness.next()) }
}
