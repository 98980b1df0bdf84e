import Glibc
import Primitives
import Testing
import World

@testable import Transport

@Suite("Connections within a machine are not paced")
struct SameMachineTests {
    @Test(
        "Loopback and equal addresses are on one machine",
        arguments: [
            ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.9", true), ("::1", "::1", true),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1", true), ("10.0.0.5", "10.0.0.5", true),
            ("10.0.0.5", "10.0.0.6", false), ("fe80::1", "fe80::2", false), ("", "", false), ("127.0.0.1", "", false),
        ])
    func ends(local: String, remote: String, isJoined: Bool) {
        let joined = SameMachine.joins(Endpoint(host: local, port: 9_092), Endpoint(host: remote, port: 40_000))
        #expect(joined == isJoined)
    }

    @Test("A socket that paces is changed, and one that does not is left as it is")
    func change() {
        for name in ["bbr", "reno", "cubic"] {
            let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            defer { _ = Glibc.close(socket) }
            let set = unsafe setsockopt(
                socket, CInt(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count))
            // A kernel need not have all of them: then it is what the system is set to that is looked at.
            let before = SameMachine.congestionControl(of: socket)
            #expect(set != 0 || before == name)
            SameMachine.stopPacing(socket)
            let after = SameMachine.congestionControl(of: socket)
            #expect(after == (before?.hasPrefix("bbr") == true ? SameMachine.unpaced : before))
            // What goes to another machine gets back what it was born with.
            SameMachine.pace(socket, as: before)
            #expect(SameMachine.congestionControl(of: socket) == before)
        }
    }

    @Test("A socket is unpaced before its first connection, which would stay paced otherwise")
    func listening() throws {
        let listening = try ListeningSocket(at: Endpoint(host: "127.0.0.1", port: 0), backlog: 1)
        defer { _ = Glibc.close(listening.descriptor) }
        let name = SameMachine.congestionControl(of: listening.descriptor)
        #expect(name != nil && name?.hasPrefix("bbr") == false)
        #expect(SameMachine.systemChoice?.hasPrefix("bbr") == true || name == SameMachine.systemChoice)
    }

    @Test("A live link over loopback is not paced, whatever the system is set to")
    func liveLink() async throws {
        let server = try TestServer { event, link in
            guard case .frame = event, let link = link as? NetworkLink else { return }
            let name = Array((link.congestionControl ?? "").utf8)
            link.send([.bytes(Bytes(lengthPrefix(name.count))), .bytes(Bytes(name))])
        }
        let client = ClientSocket(port: server.listener.port)
        client.send(frame([1]))
        let name = client.readFrame().map { String(decoding: $0, as: UTF8.self) }
        #expect(name?.isEmpty == false && name?.hasPrefix("bbr") == false)
        try server.stop()
    }
}
