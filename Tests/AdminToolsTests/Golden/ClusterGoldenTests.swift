import ClientCore
import MartletClient
import Primitives
import Testing
import WireMessages

@testable import AdminTools

@Suite("Tools of the cluster, word for word") struct ClusterGoldenTests {
    static func offered(_ key: Int16, _ least: Int16, _ greatest: Int16) -> ApiVersionsResponse.ApiVersion {
        var entry = ApiVersionsResponse.ApiVersion()
        entry.apiKey = key
        entry.minVersion = least
        entry.maxVersion = greatest
        return entry
    }

    @Test("The versions of a broker, sorted, with what is missing")
    func versions() {
        let block = APIVersionsText.block([
            Self.offered(999, 0, 2), Self.offered(3, 0, 0), Self.offered(1, 4, 99), Self.offered(8, 0, 1),
            Self.offered(9, 90, 99),
        ])
        let lines = block.split(separator: "\n").map(String.init)
        #expect(lines.first == "(" && lines.last == ")")
        #expect(lines[1] == "\tProduce(0): UNSUPPORTED,")
        #expect(lines[2] == "\tFetch(1): 4 to 99 [usable: 18],")
        #expect(lines.contains("\tMetadata(3): 0 [usable: 0],"))
        #expect(lines.contains("\tOffsetCommit(8): 0 to 1 [unusable: node too old],"))
        #expect(lines.contains("\tOffsetFetch(9): 90 to 99 [unusable: node too new],"))
        #expect(lines[lines.count - 2] == "\tUNKNOWN(999): 0 to 2")
        #expect(lines.count == 2 + 77 + 1, "the 77 APIs of brokers, and one that nobody knows")
        #expect(!block.contains("LeaderAndIsr") && !block.contains("Vote("))
    }

    @Test("A broker's title, and its endpoints")
    func nodes() {
        var node = DescribeClusterResponse.DescribeClusterBroker()
        node.brokerID = BrokerID(1)
        node.host = "a-long-host-name"
        node.port = 9092
        #expect(APIVersionsText.title(node) == "a-long-host-name:9092 (id: 1 rack: null isFenced: false)")
        node.rack = "r1"
        node.isFenced = true
        #expect(
            KafkaClusterCommand.table([node], kind: "broker").lines == [
                "ID         HOST             PORT       RACK       STATE      ENDPOINT_TYPE  ",
                "1          a-long-host-name 9092       r1         fenced     broker         ",
            ])
    }

    @Test("Log directories of a broker, with one that is offline")
    func logDirs() {
        var partition = DescribeLogDirsResponse.DescribeLogDirsPartition()
        partition.partitionIndex = PartitionIndex(0)
        partition.partitionSize = 4_096
        var topic = DescribeLogDirsResponse.DescribeLogDirsTopic()
        topic.name = "orders"
        topic.partitions = [partition]
        var other = topic
        other.name = "other"
        var good = DescribeLogDirsResponse.DescribeLogDirsResult()
        good.logDir = "/var/lib/kafka/data"
        good.topics = [other, topic]
        var bad = DescribeLogDirsResponse.DescribeLogDirsResult()
        bad.logDir = "/mnt/d2"
        bad.errorCode = .kafkaStorageError
        #expect(
            LogDirsCommand.json(BrokerID(1), [good, bad], topics: ["orders"]).description
                == "{\"broker\":1,\"logDirs\":[{\"logDir\":\"/var/lib/kafka/data\",\"error\":null,\"partitions\":["
                + "{\"partition\":\"orders-0\",\"size\":4096,\"offsetLag\":0,\"isFuture\":false}]},"
                + "{\"logDir\":\"/mnt/d2\",\"error\":\"org.apache.kafka.common.errors.KafkaStorageException\","
                + "\"partitions\":[]}]}")
    }

    @Test("Elections: done, not needed, failed")
    func elections() {
        func place(_ index: Int32) -> TopicPartition { TopicPartition("orders", PartitionIndex(index)) }
        let report = ElectionReport(
            .preferred,
            [
                place(1): nil, place(0): nil, place(2): ClientError(code: .electionNotNeeded),
                place(3): ClientError(code: .preferredLeaderNotAvailable),
            ])
        #expect(
            report.lines == [
                "Successfully completed leader election (PREFERRED) for partitions orders-0, orders-1",
                "Valid replica already elected for partitions orders-2",
                "Error completing leader election (PREFERRED) for partition: orders-3: "
                    + "org.apache.kafka.common.errors.PreferredLeaderNotAvailableException: The preferred leader was "
                    + "not available.",
            ])
        #expect(throws: ToolFailure("1 replica(s) could not be elected")) { try report.show(isJSON: true) }
    }

    @Test("The partitions of an election's file")
    func electionFile() throws {
        func places(_ text: String) throws -> [TopicPartition] {
            try ElectionFile.places(in: try JSONReader.parse(Array(text.utf8)))
        }
        let foo = "{\"topic\":\"foo\",\"partition\":1}"
        #expect(try places("{\"partitions\":[\(foo)]}") == [TopicPartition("foo", PartitionIndex(1))])
        #expect(throws: ToolFailure("Replica election data is missing \"partitions\" field")) { try places("{}") }
        #expect(throws: ToolFailure("Replica election data contains duplicate partitions: [foo-1]")) {
            try places("{\"partitions\":[\(foo),\(foo)]}")
        }
    }

    @Test("Configs on the command line: commas and brackets")
    func pairs() throws {
        func pairs(_ text: String) throws -> [String] { try ConfigChanges.pairs(text).map { "\($0.0)→\($0.1)" } }
        #expect(try pairs("a=1,b=[x,y], c = z ") == ["a→1", "b→x,y", "c→z"])
        #expect(try pairs("a=") == ["a→"])
        #expect(try pairs("s=[k=v,l=w]") == ["s→k=v,l=w"])
        for broken in ["a", "a=b=c", "=1", "a=1,,b=2"] { #expect(throws: ToolFailure.self) { try pairs(broken) } }
    }

    @Test("A config with its synonyms")
    func configLine() {
        let entry = ConfigEntry(
            name: "retention.ms", value: "86400000", source: .topic,
            synonyms: [
                .init(name: "retention.ms", value: "86400000", source: .topic),
                .init(name: "log.retention.ms", value: "604800000", source: .staticBroker),
                .init(name: "log.retention.hours", value: "168", source: .builtIn),
            ])
        #expect(
            ConfigDescribing.line(entry)
                == "  retention.ms=86400000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=86400000, "
                + "STATIC_BROKER_CONFIG:log.retention.ms=604800000, DEFAULT_CONFIG:log.retention.hours=168}")
        let secret = ConfigEntry(name: "p", value: nil, source: .broker, isSensitive: true)
        #expect(ConfigDescribing.line(secret) == "  p=null sensitive=true synonyms={}")
    }

    @Test(
        "Entities that make no sense",
        arguments: [
            ("--describe", "At least one entity type must be specified"),
            (
                "--describe --entity-type topics --topic t",
                "--entity-{type,name,default} should not be used in conjunction with specific entity flags"
            ),
            ("--describe --entity-type topics --entity-type topics", "Duplicate entity type(s) specified: topics"),
            (
                "--describe --entity-type topics --entity-type brokers",
                "Only 'users' and 'clients' entity types may be specified together"
            ),
            (
                "--describe --broker x",
                "The entity name for brokers must be a valid integer broker id, but it is: x"
            ),
            (
                "--describe --entity-type broker-loggers",
                "an entity name must be specified with --describe of broker-loggers"
            ),
            ("--alter --entity-type topics", "an entity name must be specified with --alter of topics"),
            (
                "--alter --entity-type brokers",
                "an entity-name or default entity must be specified with --alter of users, clients, brokers or ips"
            ),
        ] as [(String, String)])
    func entities(words: String, expected: String) throws {
        let given = try ConfigsOptions.table.parse(words.split(separator: " ").map(String.init))
        #expect(throws: ToolFailure(expected)) { try ConfigEntity(given) }
    }

    @Test("Exceptions as Kafka's tools show them")
    func exceptions() {
        #expect(
            ExceptionText.of(ClientError(code: .groupIDNotFound, message: "Group g not found."))
                == "org.apache.kafka.common.errors.GroupIdNotFoundException: Group g not found.")
        #expect(
            ExceptionText.className(of: .invalidCommitOffsetSize)
                == "org.apache.kafka.common.errors.InvalidCommitOffsetSizeException")
        #expect(ExceptionText.of(ClientError(.connection, "No broker is known")) == "No broker is known")
    }
}
