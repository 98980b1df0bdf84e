/// The parts of a graph in which everything comes before everything: Tarjan's search, without recursion.
struct StrongComponents {
    /// Node → the number of its component; nil for a node that is in no cycle.
    let components: [Int32?]
    let count: Int

    private static let unvisited: Int32 = 0

    fileprivate struct Search {
        let graph: DependencyGraph
        /// 0 until a node is found; then its number, from 1.
        var found: [Int32]
        var low: [Int32]
        var isOpen: [Bool]
        var stack: [Int32] = []
        var calls: [(node: Int32, next: Int32)] = []
        var foundCount: Int32 = 0
        var components: [Int32?]
        var count: Int32 = 0
    }

    init(_ graph: DependencyGraph) {
        var search = Search(
            graph: graph, found: Array(repeating: 0, count: graph.nodeCount),
            low: Array(repeating: 0, count: graph.nodeCount), isOpen: Array(repeating: false, count: graph.nodeCount),
            components: Array(repeating: nil, count: graph.nodeCount))
        for node in 0..<Int32(graph.nodeCount) where search.found[Int(node)] == StrongComponents.unvisited {
            search.run(from: node)
        }
        components = search.components
        count = Int(search.count)
    }
}

extension StrongComponents.Search {
    mutating func run(from root: Int32) {
        enter(root)
        while let (node, next) = calls.last {
            guard next < graph.starts[Int(node) + 1] else {
                leave(node)
                continue
            }
            calls[calls.count - 1].next += 1
            let target = graph.edges[Int(next)].to
            if found[Int(target)] == 0 {
                enter(target)
            } else if isOpen[Int(target)] {
                low[Int(node)] = min(low[Int(node)], found[Int(target)])
            }
        }
    }

    private mutating func enter(_ node: Int32) {
        foundCount += 1
        found[Int(node)] = foundCount
        low[Int(node)] = foundCount
        stack.append(node)
        isOpen[Int(node)] = true
        calls.append((node, graph.starts[Int(node)]))
    }

    private mutating func leave(_ node: Int32) {
        calls.removeLast()
        if let caller = calls.last?.node { low[Int(caller)] = min(low[Int(caller)], low[Int(node)]) }
        guard low[Int(node)] == found[Int(node)] else { return }
        let isCycle = stack.last != node
        while let member = stack.popLast() {
            isOpen[Int(member)] = false
            if isCycle { components[Int(member)] = count }
            if member == node { break }
        }
        if isCycle { count += 1 }
    }
}
