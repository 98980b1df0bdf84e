import Primitives

/// Finds operations that come before each other in a circle.
struct CycleSearch {
    let history: History
    let table: WriteTable
    let orders: VersionOrders
    /// Line → the operation that begins or ends there.
    let byLine: [Int32?]

    /// The three names that a family of cycles has, by the strongest reason that takes part.
    private struct Family {
        let base: DependencyGraph.Reason
        let plain: Anomaly
        let byProcess: Anomaly
        let byTime: Anomaly
    }

    func judge(_ findings: inout Findings) {
        let processEdges = processEdges()
        let (timeEdges, nodeCount) = timeEdges()
        let families = [
            (
                Family(
                    base: .writeWrite, plain: .writeCycle, byProcess: .writeCycleByProcess, byTime: .writeCycleByTime),
                writeEdges()
            ),
            (
                Family(
                    base: .writeRead, plain: .informationCycle, byProcess: .informationCycleByProcess,
                    byTime: .informationCycleByTime),
                readEdges()
            ),
        ]
        for (family, base) in families {
            // The widest graph first: what has no cycle there has none anywhere.
            let widest = DependencyGraph(nodeCount: nodeCount, edges: base + processEdges + timeEdges)
            let components = StrongComponents(widest)
            if components.count == 0 { continue }
            let inside: (DependencyGraph.Edge) -> Bool = { edge in
                let component = components.components[Int(edge.from)]
                return component != nil && component == components.components[Int(edge.to)]
            }
            let (base, process) = (base.filter(inside), processEdges.filter(inside))
            let count = history.operations.count
            report(DependencyGraph(nodeCount: count, edges: base), family.plain, needs: family.base, &findings)
            report(
                DependencyGraph(nodeCount: count, edges: base + process), family.byProcess, needs: .process, &findings)
            report(widest, components, family.byTime, needs: .time, &findings)
        }
    }

    private func report(
        _ graph: DependencyGraph, _ anomaly: Anomaly, needs reason: DependencyGraph.Reason,
        _ findings: inout Findings
    ) {
        report(graph, StrongComponents(graph), anomaly, needs: reason, &findings)
    }

    /// Reports each component that has a cycle with an edge of this reason.
    private func report(
        _ graph: DependencyGraph, _ components: StrongComponents, _ anomaly: Anomaly,
        needs reason: DependencyGraph.Reason, _ findings: inout Findings
    ) {
        var reported = [Bool](repeating: false, count: components.count)
        for edge in graph.edges where edge.reason == reason {
            guard let component = components.components[Int(edge.from)],
                components.components[Int(edge.to)] == component, !reported[Int(component)]
            else { continue }
            reported[Int(component)] = true
            let (lines, text) = describe(
                [edge]
                    + graph.path(from: edge.to, to: edge.from, within: component, of: components.components))
            findings.add(anomaly, lines: lines, text)
        }
    }

    private func describe(_ cycle: [DependencyGraph.Edge]) -> (lines: [Int32], text: String) {
        var lines: [Int32] = []
        var text = ""
        for edge in cycle {
            let isMoment = Int(edge.from) >= history.operations.count
            if isMoment { continue }
            let operation = history.operations[Int(edge.from)]
            lines.append(operation.completedOn)
            text += "\(operation.kind.rawValue) of line \(operation.completedOn) -\(edge.reason.word)-> "
        }
        return (lines, text + "the first of these")
    }

    /// Each version comes after the one before it.
    private func writeEdges() -> [DependencyGraph.Edge] {
        var edges: [DependencyGraph.Edge] = []
        for versions in orders.versions {
            var last: Int32?
            for version in versions {
                guard let write = version.write else { continue }
                let writer = table.writes[Int(write)].operation
                if let last, last != writer {
                    edges.append(DependencyGraph.Edge(from: last, to: writer, reason: .writeWrite))
                }
                last = writer
            }
        }
        return edges
    }

    /// A reader comes after the writer of the highest value that it read of a key; the lower ones follow from it.
    private func readEdges() -> [DependencyGraph.Edge] {
        var edges: [DependencyGraph.Edge] = []
        var highest: [(key: Int32, offset: Offset, value: Int64)] = []
        for (index, operation) in history.operations.enumerated() where operation.outcome == .ok {
            highest.removeAll(keepingCapacity: true)
            for item in history.items(of: operation) {
                guard case .read(let offset) = item.role else { continue }
                guard let known = highest.firstIndex(where: { $0.key == item.key }) else {
                    highest.append((item.key, offset, item.value))
                    continue
                }
                if offset > highest[known].offset { highest[known] = (item.key, offset, item.value) }
            }
            for read in highest {
                guard let write = table.number(key: read.key, value: read.value) else { continue }
                let writer = table.writes[Int(write)].operation
                if writer == Int32(index) { continue }
                edges.append(DependencyGraph.Edge(from: writer, to: Int32(index), reason: .writeRead))
            }
        }
        return edges
    }

    /// What one client does comes after what it did before, if it knows that this has ended.
    private func processEdges() -> [DependencyGraph.Edge] {
        var edges: [DependencyGraph.Edge] = []
        var last: [Int32: Int32] = [:]
        for (index, operation) in history.operations.enumerated() {
            if operation.kind == .crash {
                last[operation.process] = nil
                continue
            }
            guard operation.outcome != .failed else { continue }
            if let before = last[operation.process] {
                edges.append(DependencyGraph.Edge(from: before, to: Int32(index), reason: .process))
            }
            if operation.outcome == .ok { last[operation.process] = Int32(index) }
        }
        return edges
    }

    /// What begins after something has ended comes after it: by way of nodes for the moments between, as there would
    /// be too many edges otherwise. Returns also how many nodes there are then.
    private func timeEdges() -> (edges: [DependencyGraph.Edge], nodeCount: Int) {
        var edges: [DependencyGraph.Edge] = []
        var nodeCount = Int32(history.operations.count)
        var moment: Int32?
        var isGathering = false
        for (line, number) in byLine.enumerated() {
            guard let number else { continue }
            let operation = history.operations[Int(number)]
            if operation.invokedOn == Int32(line), operation.outcome != .failed {
                if let moment { edges.append(DependencyGraph.Edge(from: moment, to: number, reason: .time)) }
                isGathering = false
            }
            guard operation.completedOn == Int32(line), operation.outcome == .ok else { continue }
            if !isGathering {
                let new = nodeCount
                nodeCount += 1
                if let moment { edges.append(DependencyGraph.Edge(from: moment, to: new, reason: .time)) }
                moment = new
                isGathering = true
            }
            if let moment { edges.append(DependencyGraph.Edge(from: number, to: moment, reason: .time)) }
        }
        return (edges, Int(nodeCount))
    }
}
