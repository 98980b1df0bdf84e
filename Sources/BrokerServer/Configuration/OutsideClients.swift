package import World

/// Clients from outside of a node's own networks, and the address that they are told to connect to.
///
/// A container's port is published under another name and number than its own listeners have. The node can't see that,
/// so it is told: each broker registers its address for such clients under one listener name, and a connection that
/// comes from outside is answered as if it had come in on that listener.
package struct OutsideClients: Hashable, Sendable {
    /// The listener name under which the outside addresses are registered.
    package static let listenerName = "MARTLET-OUTSIDE"

    /// What they are told to connect to.
    package let address: Endpoint
    private let inside: [AddressRange]
    private let gateways: Set<UInt32>

    /// Nil where no outside address is given.
    ///
    /// - Errors: an address without a port; a network that is none.
    package init?(_ settings: Settings) throws(ConfigurationError) {
        guard let text = settings.optionalString("outside.advertised.address"), !text.isEmpty else { return nil }
        let name = OutsideClients.listenerName
        address = try ListenerConfiguration(parsing: "\(name)://\(text)", key: "outside.advertised.address").endpoint
        guard !address.host.isEmpty, address.port > 0 else {
            throw ConfigurationError("outside.advertised.address=\(text): expected host:port")
        }
        var inside: [AddressRange] = []
        var gateways: Set<UInt32> = []
        for item in settings.list("inside.networks") {
            let isGateway = item.hasPrefix("!")
            guard let range = AddressRange(parsing: isGateway ? String(item.dropFirst()) : item) else {
                throw ConfigurationError("inside.networks: `\(item)` is not of the form 10.0.0.0/8 or !10.0.0.1")
            }
            if isGateway { gateways.insert(range.first) } else { inside.append(range) }
        }
        self.inside = inside
        self.gateways = gateways
    }

    /// Whether a connection from this address is answered with outside addresses.
    package func contains(_ host: String) -> Bool {
        // What is no IPv4 address is not routed through a published port.
        guard let number = AddressRange.number(of: host) else { return false }
        if gateways.contains(number) { return true }
        return !AddressRange.loopback.contains(number) && !inside.contains { $0.contains(number) }
    }
}

/// The IPv4 addresses that share a prefix.
struct AddressRange: Hashable, Sendable {
    static let loopback = AddressRange(first: 127 << 24, mask: 255 << 24)

    let first: UInt32
    let mask: UInt32

    init(first: UInt32, mask: UInt32) {
        self.first = first & mask
        self.mask = mask
    }

    /// Reads `172.18.0.0/16`, or one address.
    init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let number = AddressRange.number(of: parts[0]), parts.count <= 2 else { return nil }
        guard parts.count == 2 else {
            self.init(first: number, mask: .max)
            return
        }
        guard let length = Int(parts[1]), (0...32).contains(length) else { return nil }
        self.init(first: number, mask: length == 0 ? 0 : UInt32.max << (32 - length))
    }

    func contains(_ number: UInt32) -> Bool { number & mask == first }

    /// An IPv4 address as a number, also in the form `::ffff:1.2.3.4`.
    static func number(of host: some StringProtocol) -> UInt32? {
        let plain = host.hasPrefix("::ffff:") ? host.dropFirst(7) : host[...]
        let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }
}
