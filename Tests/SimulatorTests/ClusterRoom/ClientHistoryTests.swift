import ClientCore
import Primitives
import Testing

@testable import Simulator

@Suite("The history of simulated clients")
struct ClientHistoryTests {
    private let place = TopicPartition("orders", PartitionIndex(0))
    private let history = ClientHistory(VirtualTime(seed: 1))

    private func write(_ record: Int, at offset: Int64) {
        let value = ClientHistory.value(client: 1, record: record)
        let process = history.writes(value, to: place)
        history.wrote(value, to: place, by: process, at: Offset(offset))
    }

    private func read(_ records: [(Int64, Int)]) {
        history.reads([place], by: 2)
        history.read(
            records.map { (offset: Offset($0.0), value: Array("1/\($0.1)xxx".utf8)) }, of: place, by: 2)
        history.drained([place], by: 2)
    }

    @Test("is fine where all is read as it was written")
    func fine() {
        write(0, at: 0)
        write(1, at: 1)
        history.lost(history.writes(ClientHistory.value(client: 1, record: 2), to: place))
        read([(0, 0), (1, 1)])
        #expect(history.anomaly() == nil)
    }

    @Test("tells of an acknowledged record that nobody reads")
    func lost() {
        write(0, at: 0)
        write(1, at: 1)
        read([(0, 0)])
        #expect(history.anomaly()?.contains("unseen") == true)
    }

    @Test("tells of a record that stands at two offsets")
    func duplicate() {
        write(0, at: 0)
        read([(0, 0), (1, 0)])
        #expect(history.anomaly()?.contains("duplicate") == true)
    }
}
