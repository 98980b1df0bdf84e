/// Who a connection speaks for, in Kafka's form `User:alice`.
package struct Principal: Hashable, Sendable, CustomStringConvertible {
    package let type: String
    package let name: String
    /// Made once: each fetch of a session is compared by it.
    package let description: String

    package init(type: String, name: String) {
        self.type = type
        self.name = name
        description = "\(type):\(name)"
    }

    /// The principal of a connection without authentication.
    package static let anonymous = Principal(type: "User", name: "ANONYMOUS")
}
