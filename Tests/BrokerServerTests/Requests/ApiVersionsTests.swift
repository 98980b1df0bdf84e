import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("ApiVersions tells what is answered")
struct ApiVersionsTests {
    private func ask(
        _ client: ConnectionUnderTest, version: Int16, name: String = "test-client"
    ) throws -> ApiVersionsResponse {
        var request = ApiVersionsRequest()
        if version >= 3 {
            request.clientSoftwareName = name
            request.clientSoftwareVersion = "1.2.3"
        }
        client.receive(ConnectionUnderTest.frame(request, version: version, 7))
        let frame = try #require(client.link.takeFrames().first)
        #expect(frame.bigEndian(Int32.self, at: 0) == 7)
        return try ApiVersionsResponse.decode(frame[4..<frame.count], version: version)
    }

    private func ranges(_ response: ApiVersionsResponse) -> [Int16: [Int16]] {
        var made: [Int16: [Int16]] = [:]
        for listed in response.apiKeys { made[listed.apiKey] = [listed.minVersion, listed.maxVersion] }
        return made
    }

    @Test(
        "The list is computed from the handlers, but for Produce from 0 and InitProducerId to 5",
        arguments: 0...4 as ClosedRange<Int16>)
    func list(version: Int16) throws {
        let listed = try ask(ConnectionUnderTest(), version: version)
        #expect(listed.errorCode == .noError)
        #expect(ranges(listed) == [0: [0, 13], 3: [0, 13], 18: [0, 4], 22: [0, 5]])
        let onController = try ask(ConnectionUnderTest(kind: .controller), version: version)
        #expect(ranges(onController) == [18: [0, 4], 52: [0, 2]])
    }

    @Test("A4: a version from the future is answered in version 0 with error 35 and the range", arguments: [5, 99])
    func future(version: Int16) throws {
        let client = ConnectionUnderTest()
        let frame = Bytes(ConnectionUnderTest.frame(ApiVersionsRequest(), version: 4, 7).array)
        frame.patch(version, at: 2)
        client.receive(frame)
        let answer = try #require(client.link.takeFrames().first)
        let response = try ApiVersionsResponse.decode(answer[4..<answer.count], version: 0)
        #expect(response.errorCode == .unsupportedVersion)
        #expect(ranges(response) == [18: [0, 4]])
        #expect(try ask(client, version: 0).errorCode == .noError)
    }

    @Test("A client's software must look like a name", arguments: ["", "-a", "a b", "a\n", "ä"])
    func badSoftwareName(name: String) throws {
        #expect(try ask(ConnectionUnderTest(), version: 4, name: name).errorCode == .invalidRequest)
    }

    @Test("A node is known by the name of its software: toward another make Kafka's timers hold")
    func make() throws {
        let client = ConnectionUnderTest(kind: .controller)
        #expect(!client.identity.isMartlet)
        for (version, name, isMartlet) in [(4, "martlet", true), (4, "apache-kafka-java", false), (0, "", false)] {
            _ = try ask(client, version: Int16(version), name: name)
            #expect(client.identity.isMartlet == isMartlet)
        }
    }

    @Test("Features: levels from 0 are told from version 4 on; finalized levels carry their epoch")
    func features() throws {
        let client = ConnectionUnderTest {
            var report = FeatureReport()
            report.supported = [
                .init(name: "a.version", levels: 0...2), .init(name: "metadata.version", levels: 7...29),
            ]
            report.finalized = [.init(name: "metadata.version", level: 29)]
            report.finalizedEpoch = Offset(55)
            return report
        }
        let three = try ask(client, version: 3)
        #expect(three.supportedFeatures.map(\.name) == ["metadata.version"])
        let four = try ask(client, version: 4)
        #expect(four.supportedFeatures.map(\.name) == ["a.version", "metadata.version"])
        #expect(four.finalizedFeatures.map(\.maxVersionLevel) == [29])
        #expect(four.finalizedFeaturesEpoch == 55)
    }
}
