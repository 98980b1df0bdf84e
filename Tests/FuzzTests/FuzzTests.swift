import Foundation
import FuzzTargets
import Primitives
import Testing

@Suite("What the fuzzer tries")
struct FuzzTests {
    @Test("Forged inputs and small changes of them do no more than be refused", arguments: FuzzTarget.allCases)
    func forged(target: FuzzTarget) {
        var seeds = FuzzSeed(20 + UInt64(target.rawValue))
        for _ in 0..<150 {
            let input = seeds.input(for: target)
            FuzzTarget.run(Bytes(input))
            for _ in 0..<3 { FuzzTarget.run(Bytes(seeds.mutated(input))) }
        }
    }

    @Test("What the fuzzer once found stays mended")
    func findings() throws {
        let folder = try #require(Bundle.module.resourceURL?.appendingPathComponent("Golden"))
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted(by: { $0.path < $1.path }) where file.pathExtension == "input"
        {
            FuzzTarget.run(Bytes([UInt8](try Data(contentsOf: file))))
        }
    }
}
