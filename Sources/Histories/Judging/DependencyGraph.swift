/// Who must come before whom: operations, and moments between them, with the reasons as edges.
struct DependencyGraph {
    /// Why one comes before the other.
    enum Reason: UInt8, Hashable {
        /// Its write stands behind the other's.
        case writeWrite
        /// It read what the other wrote.
        case writeRead
        /// The same client did it later.
        case process
        /// It began when the other had ended.
        case time

        var word: String {
            switch self {
            case .writeWrite: "ww"
            case .writeRead: "wr"
            case .process: "process"
            case .time: "realtime"
            }
        }
    }

    struct Edge {
        let from: Int32
        let to: Int32
        let reason: Reason
    }

    let nodeCount: Int
    /// Edges in the order of where they come from; those of node n are `starts[n]..<starts[n + 1]`.
    private(set) var edges: [Edge]
    private(set) var starts: [Int32]

    init(nodeCount: Int, edges unsorted: [Edge]) {
        self.nodeCount = nodeCount
        var starts = [Int32](repeating: 0, count: nodeCount + 1)
        for edge in unsorted { starts[Int(edge.from) + 1] += 1 }
        for node in 0..<nodeCount { starts[node + 1] += starts[node] }
        var next = starts
        var sorted = unsorted
        for edge in unsorted {
            sorted[Int(next[Int(edge.from)])] = edge
            next[Int(edge.from)] += 1
        }
        self.starts = starts
        edges = sorted
    }

    func edges(from node: Int32) -> ArraySlice<Edge> {
        edges[Int(starts[Int(node)])..<Int(starts[Int(node) + 1])]
    }

    /// The shortest way from one node to another within one component; empty where there is none.
    func path(from start: Int32, to end: Int32, within component: Int32, of components: [Int32?]) -> [Edge] {
        var cameBy: [Int32: Edge] = [:]
        var open = [start]
        var next = 0
        while next < open.count {
            let node = open[next]
            next += 1
            for edge in edges(from: node) where components[Int(edge.to)] == component && cameBy[edge.to] == nil {
                cameBy[edge.to] = edge
                guard edge.to == end else {
                    open.append(edge.to)
                    continue
                }
                var path: [Edge] = []
                var at = end
                repeat {
                    guard let step = cameBy[at] else { return [] }
                    path.append(step)
                    at = step.from
                } while at != start
                return path.reversed()
            }
        }
        return []
    }
}
