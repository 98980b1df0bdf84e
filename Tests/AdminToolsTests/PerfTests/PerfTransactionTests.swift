import AdminTools
import MartletClient
import Testing

@Suite("Transactions of the producer's performance test")
struct PerfTransactionTests {
    private static let others = [
        "--bootstrap-server", "b:1", "--topic", "t", "--num-records", "1", "--record-size", "1", "--throughput", "-1",
    ]

    private func transactions(_ words: String...) throws -> ProducerPerfOptions.Transactions? {
        try ProducerPerfOptions(ProducerPerfCommand.table.parse(PerfTransactionTests.others + words)).transactions
    }

    private func properties(_ lines: String...) throws -> ClientProperties {
        var properties = ClientProperties()
        for line in lines { try properties.set(line) }
        return properties
    }

    private func complaint(_ work: () throws -> Void) -> String? {
        do { try work() } catch { return (error as? ToolFailure)?.description ?? "\(error)" }
        return nil
    }

    @Test("An id, a duration, or an id among the properties turns them on; the option goes before the property")
    func turnedOn() throws {
        #expect(try transactions() == nil)
        let named = try transactions("--transactional-id", "a", "--command-property", "transactional.id=b")
        #expect(named?.id == "a" && named?.durationMilliseconds == 3_000)
        let property = try transactions("--transaction-duration-ms", "7", "--producer-props", "transactional.id=b")
        #expect(property?.id == "b" && property?.durationMilliseconds == 7)
        let first = try transactions("--transaction-duration-ms", "1")
        let second = try transactions("--transaction-duration-ms", "1")
        #expect(first?.id.hasPrefix("performance-producer-") == true && first?.id.count == 43)
        #expect(first?.id != second?.id)
    }

    @Test("A transaction lasts for some time", arguments: ["0", "-1"])
    func noDuration(_ text: String) {
        let said = complaint { _ = try transactions("--transaction-duration-ms=\(text)") }
        #expect(said?.contains("--transaction-duration-ms should be greater than zero") == true)
    }

    @Test("Each begins with a message and is committed after the first one that is sent when its time is over")
    func turns() {
        var turns = TransactionTurns(durationMilliseconds: 10)
        #expect(!turns.isOpen)
        #expect(turns.begins(now: 100) && !turns.ends(now: 100))
        #expect(!turns.begins(now: 105) && !turns.ends(now: 109) && turns.isOpen)
        #expect(!turns.begins(now: 110) && turns.ends(now: 110) && !turns.isOpen)
        #expect(turns.begins(now: 200) && !turns.ends(now: 209) && turns.ends(now: 215))
    }

    @Test("The properties of a transactional producer are applied")
    func options() throws {
        let given = try properties(
            "transaction.timeout.ms=20000", "linger.ms=9", "compression.type=zstd", "buffer.memory=1000", "retries=4")
        let options = try ProducerProperties.transactionOptions(given, id: "a")
        #expect(options.transactionalID == "a" && options.timeoutMilliseconds == 20_000)
        #expect(options.producing.lingerMilliseconds == 9 && options.producing.compression == .zstd)
        #expect(options.producing.bufferBytesMax == 1_000 && options.producing.retriesMax == 4)
        #expect(try ProducerProperties.transactionOptions(properties(), id: "a").timeoutMilliseconds == 60_000)
    }

    @Test(
        "What does not go with transactions is refused by name",
        arguments: [
            ("acks=1", "Cannot set a transactional.id without also enabling idempotence."),
            ("enable.idempotence=false", "Cannot set a transactional.id without also enabling idempotence."),
            ("transaction.timeout.ms=0", "configuration transaction.timeout.ms: Value must be at least 1"),
            ("transaction.timeout.ms=2147483648", "configuration transaction.timeout.ms: Not a number of type INT"),
            ("transaction.two.phase.commit.enable=true", "transaction.two.phase.commit.enable=true is not supported"),
        ])
    func refused(_ line: String, _ text: String) {
        let said = complaint { _ = try ProducerProperties.transactionOptions(properties(line), id: "a") }
        #expect(said?.contains(text) == true, "\(said ?? "accepted")")
    }

    @Test("An id is not empty, and a tool that does not send in transactions takes none")
    func ids() throws {
        let empty = complaint { _ = try ProducerProperties.transactionOptions(properties(), id: "") }
        #expect(empty == "Invalid value  for configuration transactional.id: String must be non-empty")
        let other = complaint {
            try ProducerProperties.refuseTransactions(properties("transactional.id=a"), tool: "console-producer")
        }
        #expect(
            other == "transactional.id=a: console-producer does not send in transactions; leave transactional.id out")
        try ProducerProperties.refuseTransactions(properties("transaction.timeout.ms=5"), tool: "console-producer")
    }
}
