/// Who sent a request, and in which version.
package struct RequestOrigin: Hashable, Sendable {
    package var clientID: String
    /// The remote address as Kafka shows it: `/127.0.0.1`.
    package var clientHost: String
    package var version: Int16

    package init(clientID: String, clientHost: String, version: Int16) {
        self.clientID = clientID
        self.clientHost = clientHost
        self.version = version
    }
}
