import Testing

/// Switches that break rules are for the simulator: no other build may have them.
@Suite("Switches of rules")
struct MutantSwitches {
    /// Where a file names `Mutant`, or its module, outside of `#if MUTANTS`, as lines counted from 1.
    static func leaks(in bareLines: [String]) -> [Int] {
        /// For each `#if` that is open: whether what stands here is built with mutants only.
        var open: [Bool] = []
        var found: [Int] = []
        for (index, line) in bareLines.enumerated() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("#if") {
                open.append(text.split(separator: " ").dropFirst().joined(separator: " ") == "MUTANTS")
            } else if text.hasPrefix("#else") || text.hasPrefix("#elseif") {
                if !open.isEmpty { open[open.count - 1] = false }
            } else if text.hasPrefix("#endif") {
                _ = open.popLast()
            } else if line.contains("Mutant"), line.contains(/(?:^|\W)Mutants?(?:\W|$)/), !open.contains(true) {
                found.append(index + 1)
            }
        }
        return found
    }

    @Test("Rules can be switched off inside of #if MUTANTS only")
    func sources() throws {
        for file in SourceTree.files where file.isInSources && file.module != "Mutants" {
            for line in MutantSwitches.leaks(in: file.bareLines) {
                Issue.record("\(file.path):\(line): a switch of a rule outside of #if MUTANTS")
            }
        }
    }

    @Test("Leaks are seen: outside, behind #else, and inside of another condition")
    func sees() {
        #expect(MutantSwitches.leaks(in: ["#if MUTANTS", "Mutant.a.isOn", "#else", "Mutant.b.isOn", "#endif"]) == [4])
        #expect(MutantSwitches.leaks(in: ["#if DEBUG", "  Mutant.a.isOn", "#endif", "Mutations()"]) == [2])
    }

    @Test("Only the simulator can be built with them")
    func package() throws {
        let text = try #require(SourceTree.text("Package.swift"))
        #expect(text.contains(#"(hasMutants ? "martlet-sim" : Context.environment["MARTLET_ONLY"])"#))
    }
}
