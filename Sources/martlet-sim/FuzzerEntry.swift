#if FUZZER
    import ArgumentParser
    import Glibc

    // The tests build the fuzzer and the simulator in one go, optimised; there `main` is libFuzzer's, which calls this
    // before anything else.
    @_cdecl("LLVMFuzzerInitialize")
    func beginInsteadOfFuzzer(
        _ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?
    ) -> CInt {
        SimulatorCommand.main()
        exit(0)
    }

    /// Asked for by libFuzzer, and never called.
    @_cdecl("LLVMFuzzerTestOneInput")
    func refuseInput(_ data: UnsafeRawPointer?, _ count: Int) -> CInt { 0 }
#endif
