import Primitives
import Security
import Testing

@Suite("Who may speak for a node") struct ClusterActionTests {
    @Test("nodes are heard on controller listeners and on the inter-broker listener, nobody elsewhere")
    func listeners() {
        let rule = ClusterAction(interBrokerListener: "INTERNAL")
        #expect(rule.isAllowed(onListener: "CONTROLLER", isController: true))
        #expect(rule.isAllowed(onListener: "INTERNAL", isController: false))
        #expect(!rule.isAllowed(onListener: "EXTERNAL", isController: false))
    }

    @Test("APIs of the quorum, of registration and of forwarding are for nodes only; what clients use is not")
    func apis() {
        for key in [APIKey.vote, .brokerHeartbeat, .alterPartition, .envelope, .fetchSnapshot] {
            #expect(ClusterAction.isForNodesOnly(key))
        }
        for key in [APIKey.fetch, .produce, .metadata, .describeQuorum, .joinGroup] {
            #expect(!ClusterAction.isForNodesOnly(key))
        }
    }

    @Test("a principal is written as Kafka writes it")
    func principal() {
        #expect(Principal(type: "User", name: "alice").description == "User:alice")
        #expect(Principal.anonymous.description == "User:ANONYMOUS")
    }
}
