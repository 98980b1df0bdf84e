import Chaos
import Glibc
import Testing

@Suite("Whose connection it is")
struct SocketOwnerTests {
    private let loopback = UInt32(0x7F00_0001).bigEndian

    private func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = loopback
        address.sin_port = in_port_t(port).bigEndian
        return address
    }

    private func call(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = address(port)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func port(of descriptor: Int32) -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &size)
            }
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }

    @Test("The process that holds the other end of a connection is found by both ports")
    func found() {
        let stream = Int32(SOCK_STREAM.rawValue)
        let listener = socket(AF_INET, stream, 0)
        let client = socket(AF_INET, stream, 0)
        defer {
            close(client)
            close(listener)
        }
        let isBound = unsafe call(0) { unsafe bind(listener, $0, $1) }
        #expect(isBound == 0 && listen(listener, 1) == 0)
        let port = port(of: listener)
        let isConnected = unsafe call(port) { unsafe connect(client, $0, $1) }
        #expect(isConnected == 0)
        let own = self.port(of: client)
        let me = [(node: 7, processID: getpid())]
        #expect(SocketOwner.find(among: [(node: 1, processID: 1)] + me, from: own, to: port) == 7)
        #expect(SocketOwner.find(among: [(node: 1, processID: 1)], from: own, to: port) == nil)
        // Nobody is connected that way: one end listens only.
        #expect(SocketOwner.find(among: me, from: port, to: own == 65_535 ? own - 1 : own + 1) == nil)
    }
}
