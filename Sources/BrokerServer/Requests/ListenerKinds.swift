/// On which listeners an API answers.
package struct ListenerKinds: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The listeners of a broker: for clients and for other brokers.
    package static let client = ListenerKinds(rawValue: 1)
    /// The listeners named in `controller.listener.names`.
    package static let controller = ListenerKinds(rawValue: 2)
    package static let all: ListenerKinds = [.client, .controller]
}

/// One configured listener, as its connections see it.
package struct ListenerIdentity: Hashable, Sendable {
    /// The name from `listeners`: `PLAINTEXT`, `CONTROLLER`, …
    package let name: String
    /// Either `.client` or `.controller`.
    package let kind: ListenerKinds

    package init(name: String, kind: ListenerKinds) {
        self.name = name
        self.kind = kind
    }
}
