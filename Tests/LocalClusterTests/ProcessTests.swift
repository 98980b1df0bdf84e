import Glibc
import LiveWorld
import LocalCluster
import Testing
import World

@Suite("Processes")
struct ProcessTests {
    @Test("A process is known by its number and its start; a name with parentheses does not confuse")
    func entries() throws {
        let fields = (4...21).map { String($0) }.joined(separator: " ")
        let entry = try #require(ProcessTable.parsed("42 (a) b) S \(fields) 777 0"))
        #expect(entry.startTicks == 777 && entry.activity == .running)
        #expect(ProcessTable.parsed("42 (a) T \(fields) 777 0")?.activity == .paused)
        #expect(ProcessTable.parsed("42 (a) Z \(fields) 777 0")?.activity == .gone)
        #expect(ProcessTable.parsed("nonsense") == nil)
    }

    @Test("A process file of another boot or of another process with the same number is stale")
    func stale() throws {
        let init1 = try #require(ProcessTable.identity(of: 1))
        #expect(ProcessTable.activity(of: init1) != .gone)
        let later = ProcessIdentity(processID: 1, startTicks: init1.startTicks + 1, boot: init1.boot)
        #expect(ProcessTable.activity(of: later) == .gone)
        let earlier = ProcessIdentity(processID: 1, startTicks: init1.startTicks, boot: "another")
        #expect(ProcessTable.activity(of: earlier) == .gone)
        #expect(!ProcessTable.signal(later, 0), "nothing is sent to another process")
    }

    @Test("What a process file says is read again; anything else is refused")
    func identities() {
        let identity = ProcessIdentity(processID: 42, startTicks: 7, boot: "b")
        #expect(ProcessIdentity(parsing: identity.text + "\n") == identity)
        for bad in ["", "1 2 b", "x 2 b", "42 2", "42 y b"] { #expect(ProcessIdentity(parsing: bad) == nil) }
    }

    @Test("A launched process outlives nobody's patience: it can be paused, resumed and killed")
    func launch() async throws {
        let process = try ProcessLauncher.launch("/bin/sleep", ["1000"], logPath: "/dev/null")
        #expect(ProcessTable.activity(of: process) == .running)
        ProcessTable.signal(process, 19)
        try await until { ProcessTable.activity(of: process) == .paused }
        ProcessTable.signal(process, 18)
        try await until { ProcessTable.activity(of: process) == .running }
        ProcessTable.signal(process, 9)
        try await until { ProcessTable.activity(of: process) == .gone }
        #expect(throws: ClusterError.self) {
            try ProcessLauncher.launch("/does/not/exist", [], logPath: "/dev/null")
        }
    }

    @Test("Killing all nodes spares none: not behind one that has ended, nor behind one that was never started")
    func killAll() async throws {
        let files = PosixFileStore()
        let path = "/tmp/martlet-kill-all-\(getpid())"
        defer { try? files.removeTree(path) }
        let directory = ClusterDirectory(path: path, files: files)
        let plan = try ClusterPlan(clusterID: "abc", nodeCount: 4, basePort: 9_092)
        try directory.write(plan)
        let program = path + "/node"
        try files.replace(program, with: Array("#!/bin/sh\nexec sleep 1000\n".utf8))
        try #require(unsafe chmod(program, 0o755) == 0)
        let nodes = NodeProcesses(directory: directory, plan: plan, clock: SystemClock())
        var started: [ProcessIdentity] = []
        for node in [1, 2, 4] { started.append(try nodes.start(node, program: program).process) }
        ProcessTable.signal(started[0], SIGKILL)
        try await until { ProcessTable.activity(of: started[0]) == .gone }
        ProcessTable.signal(started[1], SIGSTOP)
        try await nodes.killAll()
        #expect(started.allSatisfy { ProcessTable.activity(of: $0) == .gone })
        #expect(try nodes.state(of: 3) == .stopped && nodes.state(of: 4) == .crashed)
    }

    private func until(_ condition: () -> Bool) async throws {
        for _ in 0..<2_000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("it did not come to pass within 10 s")
    }
}
