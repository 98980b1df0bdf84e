import BrokerServer
import Testing

@Suite("Failed writes")
struct LogFailureTests {
    @Test("A failure belongs to its own log directory, not to one whose name begins alike")
    func place() {
        let failure = LogFailure(directory: "/var/data2/orders-0", reason: "fdatasync: EIO")
        #expect(failure.lies(in: "/var/data2"))
        #expect(failure.lies(in: "/var/data2/orders-0"))
        #expect(!failure.lies(in: "/var/data"))
        #expect(!failure.lies(in: "/var/data2/orders"))
    }
}
