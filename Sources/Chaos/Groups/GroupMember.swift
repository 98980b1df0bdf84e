import ClientCore
import MartletClient
import Primitives
import Synchronization
import WireMessages
import World

/// A member of a group that does nothing but own partitions and commit: each round the next position of each partition
/// that it owns. All that it is told goes into the log of owners.
actor GroupMember {
    private static let roundMilliseconds: Int64 = 20

    private let number: Int
    private let group: String
    private let topic: LoadTopic
    private let log: OwnershipLog
    private let cluster: ClusterClient
    private let admin: Admin
    private var share: any GroupShare
    /// Partition → the position to be committed next.
    private var positions: [Int32: Int64] = [:]
    private var owned: Set<Int32> = []
    private let isSilent = Mutex(false)

    init(
        _ number: Int, _ kind: GroupKind, group: String, _ topic: LoadTopic, _ log: OwnershipLog,
        sessionMilliseconds: Int64, _ configuration: ClientConfiguration
    ) throws(ClientError) {
        self.number = number
        self.group = group
        self.topic = topic
        self.log = log
        var own = configuration
        own.clientID = "chaos-member-\(number)"
        cluster = try ClusterClient(own)
        admin = Admin(cluster)
        switch kind {
        case .classic: share = ClassicShare(group, topic.name, sessionMilliseconds: sessionMilliseconds, cluster)
        case .consumer: share = ConsumerShare(group, topic.name, cluster)
        }
    }

    /// Says nothing any more, as one that was killed.
    nonisolated func fallSilent() { isSilent.withLock { $0 = true } }

    /// Goes on until the task is cancelled, or until it is to be silent; in the first case it leaves.
    func run() async {
        while !Task.isCancelled, !isSilent.withLock({ $0 }) {
            await tend()
            await commit()
            await cluster.runtime.sleep(milliseconds: GroupMember.roundMilliseconds)
        }
        let now = cluster.runtime.clock.now
        for partition in owned { log.ended(partition, member: number, at: now) }
        if !isSilent.withLock({ $0 }) { await share.leave() }
        cluster.close()
    }

    private func tend() async {
        // No answer: it is said again.
        var own = share
        let changes = (try? await own.tend()) ?? []
        share = own
        let now = cluster.runtime.clock.now
        for change in changes {
            switch change {
            case .gained(let partitions, let epoch):
                for partition in partitions where owned.insert(partition).inserted {
                    log.gained(partition, member: number, epoch: epoch, at: now)
                }
            case .ended(let partitions, let at):
                for partition in partitions where owned.remove(partition) != nil {
                    positions[partition] = nil
                    log.ended(partition, member: number, at: at ?? now)
                }
            }
        }
    }

    private func commit() async {
        guard let coordinator = share.coordinator, !owned.isEmpty, let identity = share.identity else { return }
        do throws(ClientError) {
            if owned.contains(where: { positions[$0] == nil }) { try await lookUp() }
            let next = positions.filter { owned.contains($0.key) }
            let request = CommittedOffsets.commit(
                group: group, memberID: identity.memberID, generation: identity.epoch, instanceID: nil,
                Dictionary(
                    uniqueKeysWithValues: next.map { partition, position in
                        (topic.place(partition), CommittedOffsets.Position(offset: Offset(position), leaderEpoch: nil))
                    }))
            let asked = cluster.runtime.clock.now
            let response = try await cluster.send(
                request, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
            let answered = cluster.runtime.clock.now
            for partition in response.topics.flatMap(\.partitions) {
                let number = partition.partitionIndex.value
                if [.notCoordinator, .coordinatorNotAvailable].contains(partition.errorCode) { share.coordinator = nil }
                guard partition.errorCode == .noError, let position = next[number] else { continue }
                log.committed(number, position, member: self.number, asked: asked, answered: answered)
                positions[number] = position + 1
            }
        } catch { share.coordinator = nil }
    }

    /// Asks where the group stands in what is new to this member.
    private func lookUp() async throws(ClientError) {
        let fresh = owned.filter { positions[$0] == nil }
        let known = fresh.map { ($0, log.acknowledged($0)) }
        let kept = try await admin.committedOffsets(of: group)
        for (partition, known) in known {
            let position = kept[topic.place(partition)]?.value
            log.found(partition, position: position, known: known)
            // Whatever was committed without an answer stays below.
            positions[partition] = max(position ?? 0, known ?? 0) + 1
        }
    }
}
