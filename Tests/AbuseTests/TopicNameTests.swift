import Primitives
import Testing
import WireMessages

/// Case A17: names that are no names, names that look like others, and what they do to the disk.
@Suite("Topic names never reach beyond their own directory", .serialized)
struct TopicNameTests {
    private static let longest = String(repeating: "t", count: 249)
    private static let bad = [
        "", ".", "..", String(repeating: "t", count: 250), String(repeating: "t", count: 30_000), "a/b", "../up",
        "a%2f", "a%2fb", "a\0b", "a b", "a\nb", "\u{1B}[31m", "ü", "主题", "a:b", "a\\b", "a*", "__cluster_metadata",
    ]

    @Test("A17: a name that is none is refused by CreateTopics, by Metadata and by Produce")
    func refused() throws {
        let node = try WholeNode()
        let good = try GoodTraffic(port: node.port)
        let client = RawClient(port: node.port)
        for name in TopicNameTests.bad {
            let shown = String(name.prefix(20))
            #expect(try client.createTopic(name) == .invalidTopicException, "\(shown)")
            var asked = MetadataRequest.MetadataRequestTopic()
            asked.name = name
            var request = MetadataRequest()
            request.topics = [asked]
            request.allowAutoTopicCreation = true
            let answer = try client.ask(request, version: 12)?.topics.first
            #expect(answer?.errorCode == .invalidTopicException, "\(shown)")
        }
        good.expectUnharmed()
        try node.stop()
    }

    @Test("A17: names that differ in '.' and '_' only are refused; the longest name can be written and deleted")
    func accepted() throws {
        let node = try WholeNode()
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("a.b") == .noError)
        #expect(try client.createTopic("a_b") == .invalidTopicException)
        #expect(try client.createTopic("a.b") == .topicAlreadyExists)
        #expect(try client.createTopic(TopicNameTests.longest) == .noError)
        #expect(try client.produce(Batches.plain(), to: TopicNameTests.longest)?.errorCode == .noError)
        #expect(try client.deleteTopic(TopicNameTests.longest) == .noError)
        #expect(try client.createTopic(TopicNameTests.longest) == .noError)
        #expect(try client.produce(Batches.plain(), to: TopicNameTests.longest)?.baseOffset == .zero)
        try node.stop()
    }

    @Test("A17: topics whose directories look alike keep their records apart, also after a restart")
    func alike() throws {
        let directory = try WholeNode.freshDirectory()
        defer { WholeNode.remove(directory) }
        let names = ["foo", "foo-0", "foo-0-0", "foo-1", "-0", "0", "foo.0123456789abcdef0123456789abcdef-delete"]
        var node = try WholeNode(directory: directory)
        var client = RawClient(port: node.port)
        for (index, name) in names.enumerated() {
            #expect(try client.createTopic(name) == .noError, "\(name)")
            #expect(try client.produce(Batches.plain(records: index + 1), to: name)?.errorCode == .noError, "\(name)")
        }
        let before = try names.map { try client.fetchAll($0).array }
        try node.stop()
        node = try WholeNode(directory: directory)
        client = RawClient(port: node.port)
        for (name, records) in zip(names, before) { #expect(try client.fetchAll(name).array == records, "\(name)") }
        #expect(Set(before).count == names.count)
        try node.stop()
    }
}
