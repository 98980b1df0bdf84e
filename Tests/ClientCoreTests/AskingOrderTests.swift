import ClientCore
import Testing
import World

@Suite("Whom a client asks")
struct AskingOrderTests {
    private let all = (1...3).map { Endpoint(host: "broker-\($0)", port: 9_092) }

    @Test("The one that answered last is asked first, and one whose connection ended after all others")
    func order() {
        var order = AskingOrder()
        #expect(order.order(of: all) { _ in false } == all)
        order.answered(all[2])
        #expect(order.order(of: all) { _ in false } == [all[2], all[0], all[1]])
        #expect(order.order(of: all) { $0 == all[2] } == [all[0], all[1], all[2]])
    }

    @Test("While brokers know of no leaders each has its turn, however often one of them answers in between")
    func turns() {
        var order = AskingOrder()
        var turns: [Endpoint?] = []
        for _ in 0..<4 {
            // The one that is cut off answers whenever the one in turn does not.
            order.answered(all[1])
            turns.append(order.goOn(among: all))
        }
        #expect(turns == [all[2], all[0], all[2], all[0]])
    }

    @Test("Where there is one broker, it is asked again")
    func alone() {
        var order = AskingOrder()
        order.answered(all[0])
        #expect(order.goOn(among: [all[0]]) == nil)
        #expect(order.order(of: [all[0]]) { _ in true } == [all[0]])
    }
}
