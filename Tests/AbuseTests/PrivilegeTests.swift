import MessageForge
import Primitives
import Testing
import WireDefinitions
import WireMessages
import WireProtocol

/// What only nodes may say, said by a client that has no authentication to pass.
@Suite("A client can't speak for a node", .serialized)
struct PrivilegeTests {
    @Test(
        "A request of nodes among themselves closes the connection of a client",
        arguments: [7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82])
    func nodesOnly(key: Int) throws {
        let node = try SharedNode.get()
        for port in [node.port, node.internalPort] {
            guard let entry = MessageCatalog.requests[key] else { return }
            for version in entry.definition.versions {
                let client = RawClient(port: port)
                let body = DefinitionEncoder.encode(entry.message, of: entry.definition, version: version, seed: 3)
                client.send(RawClient.frame(key: key, version: version, isFlexible: entry.isFlexible(version), body))
                #expect(client.isClosedByServer, "\(entry.message.name) version \(version)")
            }
        }
        #expect(RawClient(port: node.port).isServed(1))
    }

    @Test("A fetch in a broker's name is refused on a listener for clients, in every version, and moves nothing")
    func fetch() throws {
        let node = try SharedNode.get()
        let client = RawClient(port: node.port)
        _ = try client.createTopic("privileges")
        #expect(try client.produce(Batches.plain(), to: "privileges")?.errorCode == .noError)
        for version in Int16(7)...18 {
            var request = FetchRequest()
            if version >= 15 { request.replicaState.replicaID = BrokerID(1) } else { request.replicaID = BrokerID(1) }
            let answer = try client.ask(request, version: version)
            #expect(answer?.errorCode == .clusterAuthorizationFailed, "version \(version)")
            #expect(answer?.responses.isEmpty == true)
        }
        for version in Int16(4)...6 {
            var request = FetchRequest()
            request.replicaID = BrokerID(1)
            #expect(try RawClient(port: node.port).ask(request, version: version) == nil, "version \(version)")
        }
    }

    @Test("Offsets are not listed to a client in a broker's name; a debugging consumer sees what consumers see")
    func listOffsets() throws {
        let node = try SharedNode.get()
        let client = RawClient(port: node.port)
        _ = try client.createTopic("listed")
        #expect(try client.produce(Batches.plain(), to: "listed")?.errorCode == .noError)
        for version in ListOffsetsRequest.versions {
            for (replica, wanted) in [
                (Int32(0), ErrorCode.clusterAuthorizationFailed), (7, .clusterAuthorizationFailed),
                (.max, .clusterAuthorizationFailed), (-1, .noError), (-2, .noError),
            ] {
                var partition = ListOffsetsRequest.ListOffsetsPartition()
                partition.timestamp = -1
                var topic = ListOffsetsRequest.ListOffsetsTopic()
                topic.name = "listed"
                topic.partitions = [partition]
                var request = ListOffsetsRequest()
                request.replicaID = BrokerID(replica)
                request.topics = [topic]
                let part = try client.ask(request, version: version)?.topics.first?.partitions.first
                #expect(part?.errorCode == wanted, "version \(version), replica \(replica)")
                if wanted != .noError { #expect(part?.offset == Offset(-1)) }
            }
        }
    }

    @Test("An envelope on a controller's listener holds no other envelope, and nothing that is not administration")
    func nestedEnvelope() throws {
        let node = try SharedNode.get()
        for (key, version) in [(58, 0), (3, 12), (1, 17), (52, 1), (0, 11)] {
            guard let entry = MessageCatalog.requests[key] else { return }
            let body = DefinitionEncoder.encode(entry.message, of: entry.definition, version: version, seed: 3)
            let inner = RawClient.frame(key: key, version: version, isFlexible: entry.isFlexible(version), body)
            var envelope = EnvelopeRequest()
            envelope.requestData = Bytes(Array(inner.dropFirst(4)))
            envelope.requestPrincipal = Bytes([])
            let answer = try RawClient(port: node.controllerPort).ask(envelope, version: 0)
            #expect(answer?.errorCode != .noError, "\(entry.message.name) in an envelope")
            #expect(answer?.responseData == nil || answer?.responseData?.isEmpty == true)
        }
    }
}
