import Testing

@testable import BrokerServer

@Suite struct ThreadCountRuleTests {
    private let rule = ThreadCountRule { key, isForOneBroker in
        key == "num.io.threads" ? 8 : isForOneBroker ? 5 : nil
    }

    @Test(
        "One change takes a number of threads down to half at most, and up to twice at most",
        arguments: [
            ("3", "value should be at least half the current value 8"), ("4", nil), ("8", nil), ("16", nil),
            ("17", "value should not be greater than double the current value 8"),
        ])
    func bounds(_ value: String, _ reason: String?) {
        let complaint = rule.complaint(about: "num.io.threads", value, isForOneBroker: false)
        let start = "Dynamic thread count update validation failed for num.io.threads=\(value), "
        #expect(complaint == reason.map { start + $0 })
    }

    @Test("Half of an odd number is rounded down, so that one thread less than two is allowed")
    func odd() {
        #expect(rule.complaint(about: "num.network.threads", "2", isForOneBroker: true) == nil)
        #expect(rule.complaint(about: "num.network.threads", "1", isForOneBroker: true) != nil)
    }

    @Test("What would not act here, is no number of threads or no number at all is not judged")
    func others() {
        #expect(rule.complaint(about: "num.network.threads", "1000", isForOneBroker: false) == nil)
        #expect(rule.complaint(about: "max.connections", "1000", isForOneBroker: true) == nil)
        for value in ["", "many", "0", "-8"] {
            #expect(rule.complaint(about: "num.io.threads", value, isForOneBroker: true) == nil)
        }
        #expect(ThreadCountRule.none.complaint(about: "num.io.threads", "1000", isForOneBroker: true) == nil)
    }
}
