/// The networks that this container is on: the text of `/proc/net/route`.
package struct RouteTable: Sendable {
    private struct Route {
        var network: UInt32
        var gateway: UInt32
        var mask: UInt32
    }

    private let routes: [Route]

    package init(parsing text: String) {
        // Iface Destination Gateway Flags RefCnt Use Metric Mask …, addresses as the bytes stand in memory
        routes = text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split { $0 == "\t" || $0 == " " }
            guard fields.count > 7, let network = UInt32(fields[1], radix: 16),
                let gateway = UInt32(fields[2], radix: 16), let mask = UInt32(fields[7], radix: 16)
            else { return nil }
            return Route(network: network.byteSwapped, gateway: gateway.byteSwapped, mask: mask.byteSwapped)
        }
    }

    /// The directly connected networks and, with a `!`, the gateways in them: connections to a published port seem to
    /// come from there. In the form of `inside.networks`.
    package var insideNetworks: String {
        let connected = routes.filter { $0.gateway == 0 && $0.mask != 0 }
        let networks = connected.map { "\(RouteTable.text($0.network))/\($0.mask.nonzeroBitCount)" }
        // A network without a way out has no route that names its gateway; the engines give it the first address.
        let first = connected.map { $0.network | 1 }
        let gateways = Set(routes.filter { $0.gateway != 0 }.map(\.gateway) + first).sorted()
        return (networks + gateways.map { "!\(RouteTable.text($0))" }).joined(separator: ",")
    }

    private static func text(_ address: UInt32) -> String {
        [24, 16, 8, 0].map { String(address >> $0 & 255) }.joined(separator: ".")
    }
}
