import MartletClient
import Primitives
import Synchronization
import World

/// A group of members that own and commit, and what is done to it.
final class GroupTrial: Sendable {
    private struct State {
        var members: [(member: GroupMember, task: Task<Void, Never>)] = []
        var made = 0
    }

    static let sessionMilliseconds: Int64 = 2_000
    private static let settleMillisecondsMax: Int64 = 40_000

    let group: String
    let log: OwnershipLog
    private let stage: ChaosStage
    private let kind: GroupKind
    private let state = Mutex(State())

    init(_ stage: ChaosStage, _ kind: GroupKind, round: Int) {
        self.stage = stage
        self.kind = kind
        group = "owners-\(kind.rawValue)-\(round)"
        log = OwnershipLog(name: group)
    }

    /// One more member joins.
    func addMember() throws {
        let number = state.withLock { state in
            state.made += 1
            return state.made
        }
        let member = try GroupMember(
            number, kind, group: group, stage.topic, log, sessionMilliseconds: GroupTrial.sessionMilliseconds,
            stage.admin.cluster.configuration)
        let task = Task { await member.run() }
        state.withLock { $0.members.append((member, task)) }
    }

    /// The member that joined first leaves.
    func removeMember() async { await takeOut { $0.task.cancel() } }

    /// The member that joined first says nothing any more.
    func silenceMember() async { await takeOut { $0.member.fallSilent() } }

    private func takeOut(_ end: ((member: GroupMember, task: Task<Void, Never>)) -> Void) async {
        guard let first = state.withLock({ $0.members.isEmpty ? nil : $0.members.removeFirst() }) else { return }
        end(first)
        await first.task.value
    }

    /// All members leave.
    func end() async { while state.withLock({ !$0.members.isEmpty }) { await removeMember() } }

    /// Waits until each partition has one owner, which has committed since now.
    func awaitAtWork() async throws {
        let start = stage.clock.now
        let end = start.advanced(byMilliseconds: GroupTrial.settleMillisecondsMax)
        while stage.clock.now < end {
            if log.isAtWork(stage.topic.partitions, since: start) {
                return stage.note("\(group) is at work after \(stage.clock.now.milliseconds(since: start)) ms")
            }
            await stage.pass(50)
        }
        throw ChaosError("\(group): not every partition is owned and committed within 40 s")
    }
}
