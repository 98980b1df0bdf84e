import Metadata
import Primitives
import Testing
import World

@testable import BrokerServer

@Suite struct ListenerDiagnosisTests {
    private func broker(_ id: Int32, _ listeners: [String]) -> BrokerRegistration {
        BrokerRegistration(
            id: BrokerID(id), epoch: BrokerEpoch(Int64(id)), incarnationID: .zero,
            listeners: listeners.compactMap { text in
                let parts = text.split(separator: " ").map(String.init)
                return RegisteredListener(name: parts[0], host: parts[1], port: 9092)
            }, isFenced: false)
    }

    private func complaint(_ text: String, of id: Int32, _ finding: DialFinding) -> String? {
        let broker = broker(id, [text])
        let address = AdvertisedAddress(broker, broker.listeners[0])
        return ListenerDiagnosis.complaint(address, finding, me: BrokerID(1))
    }

    @Test("an address of the machine itself is dialled only on the listener that brokers use")
    func dialled() {
        let broker = broker(1, ["A kafka1", "HOST localhost", "B 127.0.0.1", "\(OutsideClients.listenerName) host"])
        #expect(ListenerDiagnosis.dialled(broker, interBroker: "A").map(\.listener) == ["A"])
        #expect(ListenerDiagnosis.dialled(broker, interBroker: "B").map(\.listener) == ["A", "B"])
    }

    @Test("who answers at its own address has nothing wrong")
    func fine() {
        #expect(complaint("A kafka2", of: 2, .answered(BrokerID(2))) == nil)
    }

    @Test(
        "what is wrong is said with what to change",
        arguments: [
            ("A kafka2", DialFinding.answered(BrokerID(3)), "but broker 3 answers there"),
            ("A localhost", .answered(BrokerID(1)), "leads every machine to itself"),
            ("A kafka2", .foreign, "is not a node"), ("A kafka2", .refused, "nothing listens there"),
            ("A kafka2", .unreachable("unknown host kafka2"), "(unknown host kafka2)"),
        ])
    func wrong(_ listener: String, _ finding: DialFinding, _ part: String) throws {
        let sentence = try #require(complaint(listener, of: 2, finding))
        #expect(sentence.contains(part))
        #expect(sentence.hasPrefix("listener A of broker 2 is advertised as "))
    }

    @Test("its own address is called this node's")
    func own() throws {
        #expect(try #require(complaint("A kafka1", of: 1, .refused)).contains("listener A of this node"))
    }

    @Test("one address for two brokers and a listener that one lacks are conflicts")
    func conflicts() {
        #expect(ListenerDiagnosis.conflicts([broker(1, ["A kafka1"]), broker(2, ["A kafka2"])]).isEmpty)
        let sentences = ListenerDiagnosis.conflicts([
            broker(1, ["A kafka1", "HOST localhost"]), broker(2, ["A kafka2", "HOST localhost"]),
            broker(3, ["A kafka3"]),
        ])
        #expect(sentences.count == 2)
        #expect(sentences[0].contains("listener HOST is not advertised by broker 3"))
        #expect(sentences[1].contains("brokers 1 and 2 both advertise localhost:9092"))
    }
}
