package import ArgumentParser
import Glibc
import LiveWorld
import MartletClient
import Primitives

/// A client in a process of its own, which a row of the fault matrix stops and lets go on.
///
/// It does its first half, says so, waits for a file, and does its second half without looking at anything else.
package struct ApplicationCommand: AsyncParsableCommand {
    /// What it does.
    enum Role: String, ExpressibleByArgument {
        /// A transaction: half of its writes; the other half, and the end.
        case producer
        /// A member of a group: joins and commits; commits again with what it was given before.
        case member
    }

    package static let configuration = CommandConfiguration(
        commandName: "chaos-application", abstract: "A client that a row of the fault matrix stops.",
        shouldDisplay: false)

    @Argument var role: Role
    @Option var bootstrapServer: String
    @Option var topic: String
    /// The transactional id, or the group.
    @Option var name: String
    /// The file that lets it go on.
    @Option var until: String
    /// The number of the process in the history; its records follow from it.
    @Option var process: Int32 = 0
    @Option var operation: Int64 = 0
    @Flag var aborts = false
    /// The protocol of the group.
    @Option var kind = GroupKind.classic
    @Option var session: Int32 = 6_000

    package init() {}

    package func run() async throws {
        var clients = ClientConfiguration(bootstrapServers: bootstrapServer, clientID: "chaos-application")
        clients.requestTimeoutMilliseconds = 60_000
        switch role {
        case .producer: try await produce(clients)
        case .member: try await join(clients)
        }
    }

    private func say(_ text: String) {
        print(text)
        fflush(nil)
    }

    private func waitForFile() async {
        while unsafe access(until, F_OK) != 0 { try? await Task.sleep(for: .milliseconds(20)) }
    }

    private func produce(_ clients: ClientConfiguration) async throws {
        var topic = LoadTopic()
        topic.name = self.topic
        let producer = try SteppedProducer(
            name, .two, timeoutMilliseconds: TransactionWriter.timeoutMilliseconds, clients)
        let values = Payload.values(of: process, operation, count: 2).map {
            Payload.bytes(of: $0, size: topic.recordBytes)
        }
        try await producer.begin()
        _ = try await producer.produce(values, to: topic.place(0))
        say(ApplicationProcess.halfDone)
        await waitForFile()
        do throws(ClientError) {
            _ = try await producer.produce(values, to: topic.place(1))
            try await producer.end(commits: !aborts)
            say(ApplicationProcess.ended)
        } catch { say("\(ApplicationProcess.refused)\(error.code?.description ?? error.description)") }
        producer.close()
    }

    private func join(_ clients: ClientConfiguration) async throws {
        let member = try PlainMember(kind, group: name, topic: topic, sessionMilliseconds: session, clients)
        try await member.join()
        let error = try await member.commit(ApplicationProcess.firstPosition)
        guard error == .noError else { throw ChaosError("the first commit: \(error)") }
        say(ApplicationProcess.halfDone)
        while unsafe access(until, F_OK) != 0 {
            await member.heartbeat()
            try? await Task.sleep(for: .milliseconds(100))
        }
        let last = try await member.commit(ApplicationProcess.latePosition)
        say(last == .noError ? ApplicationProcess.ended : "\(ApplicationProcess.refused)\(last)")
        member.close()
    }
}
