#if FUZZER
    import ArgumentParser
    import Glibc

    /// The tests build the fuzzer and the simulator in one go, optimised. There `main` is libFuzzer's, which calls two
    /// functions by name.
    enum FuzzerEntry {
        /// Runs the simulator, and does not come back.
        static func runSimulator() -> Never {
            SimulatorCommand.main()
            exit(0)
        }
    }

    /// Called before anything else.
    @_cdecl("LLVMFuzzerInitialize")
    func beginInsteadOfFuzzer(
        _ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?
    ) -> CInt { FuzzerEntry.runSimulator() }

    /// Asked for, and never called.
    @_cdecl("LLVMFuzzerTestOneInput")
    func refuseInput(_ input: UnsafeRawPointer?, _ count: Int) -> CInt { 0 }
#endif
