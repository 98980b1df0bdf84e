/// All that a node needs from outside, in one bundle. A live node and a simulated one differ in this value alone.
package struct World: Sendable {
    package let clock: any Clock
    package let randomness: any Randomness
    package let files: any FileStore
    package let network: any Network
    /// The data-path loops; connections are spread over them.
    package let dataLoops: LoopGroup
    /// The loop of heartbeats, the quorum and its disk: a slow data disk does not stall it.
    package let controlLoop: any Loop
    package let pool: any BlockingPool
    private let makeDiskPool: (@Sendable () -> any BlockingPool)?
    private let resizePools: (@Sendable (Int) -> Void)?
    /// Memory of the machine, or of the container that the node runs in.
    package let machineMemoryBytes: Int64

    /// - Parameters:
    ///   - makeDiskPool: makes the threads of one disk; without it all disks share `pool`.
    ///   - resizePools: gives each pool so many threads; without it they stay as they are.
    ///   - startLoop: starts one more data loop; without it there are those of the beginning.
    package init(
        clock: any Clock, randomness: any Randomness, files: any FileStore, network: any Network, loops: [any Loop],
        controlLoop: any Loop, pool: any BlockingPool, makeDiskPool: (@Sendable () -> any BlockingPool)? = nil,
        resizePools: (@Sendable (Int) -> Void)? = nil,
        startLoop: (@Sendable (_ place: Int) -> (any Loop)?)? = nil, machineMemoryBytes: Int64 = 4 << 30
    ) {
        self.clock = clock
        self.randomness = randomness
        self.files = files
        self.network = network
        dataLoops = LoopGroup(loops, startMore: startLoop)
        self.controlLoop = controlLoop
        self.pool = pool
        self.makeDiskPool = makeDiskPool
        self.resizePools = resizePools
        self.machineMemoryBytes = machineMemoryBytes
    }

    /// The data-path loops of the node's start: what stays on one loop for good is spread over these.
    package var loops: [any Loop] { dataLoops.first }

    /// Threads for what waits for one disk alone, so that its waits hold up nobody else.
    package func diskPool() -> any BlockingPool { makeDiskPool?() ?? pool }

    /// Gives each pool so many threads from now on.
    package func setPoolThreads(_ count: Int) { resizePools?(count) }
}
