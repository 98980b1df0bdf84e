package import World

extension World {
    /// The world of a live node: the machine's clock, randomness, disks and threads, on the network and loops given.
    ///
    /// The network comes from `Transport`, which this module does not know: the executable joins the two.
    package static func live(
        network: any Network, loops: [any Loop], controlLoop: any Loop, poolThreads: Int
    ) -> World {
        let pools = ThreadPools(threadCount: poolThreads)
        return World(
            clock: SystemClock(), randomness: SystemRandomness(), files: PosixFileStore(), network: network,
            loops: loops, controlLoop: controlLoop, pool: pools.make(),
            makeDiskPool: { pools.make() }, resizePools: { pools.resize(to: $0) },
            machineMemoryBytes: MachineMemory.bytes)
    }
}
