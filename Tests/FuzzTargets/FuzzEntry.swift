import Primitives

/// One input from the fuzzer.
@_cdecl("martlet_fuzz_run")
public func martletFuzzRun(
    _ input: UnsafePointer<UInt8>, _ count: Int, _ heapBytes: @escaping @convention(c) () -> Int
) {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: input, count: count))
    FuzzTarget.run(Bytes(bytes), heapBytes: heapBytes)
}

/// Writes an input that is right, or nearly so, into `output`; returns how long it is.
@_cdecl("martlet_fuzz_forge")
public func martletFuzzForge(_ seed: UInt64, _ output: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
    var maker = FuzzSeed(seed)
    let input = maker.input().prefix(capacity)
    for (index, byte) in input.enumerated() { unsafe output[index] = byte }
    return input.count
}
