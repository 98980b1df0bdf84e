import MartletClient
import Primitives
import Synchronization

/// What the members of all groups own together, and what they are to do.
final class GroupWatch: Sendable {
    private struct State {
        /// How many members say that they own a partition, by group and partition.
        var owners: [[UInt8]]
        /// Partitions that nobody owns, or more than one, over all groups.
        var unsettled: Int
        /// Members that own something, over all groups.
        var owningCount = 0
        var leavingPerGroup = 0
        var isEnded = false
        var heartbeats = 0
        var latencies: [Int64] = []
        var failure: (any Error)?

        mutating func change(_ group: Int, _ index: PartitionIndex, by step: Int) {
            let place = Int(index.value)
            let (before, after) = (Int(owners[group][place]), Int(owners[group][place]) + step)
            owners[group][place] = UInt8(after)
            if before == 1 { unsettled += 1 }
            if after == 1 { unsettled -= 1 }
        }
    }

    private let state: Mutex<State>

    init(groups: Int, partitions: Int) {
        state = Mutex(
            State(
                owners: Array(repeating: Array(repeating: 0, count: partitions), count: groups),
                unsettled: groups * partitions))
    }

    /// Whether each partition has one owner, and so many members have a share.
    func areStable(sharing count: Int) -> Bool {
        state.withLock { $0.unsettled == 0 && $0.owningCount == count }
    }
    var isEnded: Bool { state.withLock { $0.isEnded } }
    /// The first members of each group, by their numbers, that are to leave.
    var leaving: Int { state.withLock { $0.leavingPerGroup } }
    var failure: (any Error)? { state.withLock { $0.failure } }
    var heartbeats: Int {
        get { state.withLock { $0.heartbeats } }
        set { state.withLock { $0.heartbeats = newValue } }
    }

    func end() { state.withLock { $0.isEnded = true } }
    func leave(_ count: Int) { state.withLock { $0.leavingPerGroup = count } }
    func failed(_ error: any Error) { state.withLock { $0.failure = $0.failure ?? error } }

    func answered(after nanoseconds: Int64) {
        state.withLock { state in
            state.heartbeats += 1
            state.latencies.append(nanoseconds)
        }
    }

    func takeLatencies() -> [Int64] {
        state.withLock { state in
            defer { state.latencies = [] }
            return state.latencies
        }
    }

    /// A member of a group owns other partitions than before.
    func changed(_ group: Int, from former: Set<PartitionIndex>, to present: Set<PartitionIndex>) {
        state.withLock { state in
            state.owningCount += (present.isEmpty ? 0 : 1) - (former.isEmpty ? 0 : 1)
            for index in former.subtracting(present) { state.change(group, index, by: -1) }
            for index in present.subtracting(former) { state.change(group, index, by: 1) }
        }
    }
}
