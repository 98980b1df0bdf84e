import Primitives
import WireMessages

/// The versions of a broker as Kafka's tool shows them.
enum APIVersionsText {
    typealias Node = DescribeClusterResponse.DescribeClusterBroker
    typealias Offered = ApiVersionsResponse.ApiVersion

    /// APIs that only nodes ask of controllers: they are no broker's.
    private static let controllerOnly: Set<APIKey> = [
        .vote, .beginQuorumEpoch, .endQuorumEpoch, .alterPartition, .envelope, .fetchSnapshot, .brokerRegistration,
        .brokerHeartbeat, .allocateProducerIDs, .controllerRegistration, .assignReplicasToDirs, .updateRaftVoter,
    ]

    /// `b1:9092 (id: 1 rack: null isFenced: false)`.
    static func title(_ node: Node) -> String {
        "\(node.host):\(node.port) (id: \(node.brokerID) rack: \(node.rack ?? "null") isFenced: \(node.isFenced))"
    }

    /// One line for each API, by ascending key, in parentheses.
    static func block(_ offered: [Offered]) -> String {
        var lines: [Int16: String] = [:]
        for entry in offered { lines[entry.apiKey] = line(entry) }
        for api in WireAPI.all where !controllerOnly.contains(api.key) && lines[api.key.value] == nil {
            lines[api.key.value] = "\(api.key)(\(api.key.value)): UNSUPPORTED"
        }
        return "(\n\t" + lines.sorted { $0.key < $1.key }.map(\.value).joined(separator: ",\n\t") + "\n)"
    }

    private static func line(_ entry: Offered) -> String {
        let range =
            entry.minVersion == entry.maxVersion ? "\(entry.minVersion)" : "\(entry.minVersion) to \(entry.maxVersion)"
        guard let api = WireAPI.of(APIKey(entry.apiKey)) else { return "UNKNOWN(\(entry.apiKey)): \(range)" }
        let name = "\(api.key)(\(entry.apiKey)): \(range)"
        if api.versions.upperBound < entry.minVersion { return "\(name) [unusable: node too new]" }
        if entry.maxVersion < api.versions.lowerBound { return "\(name) [unusable: node too old]" }
        return "\(name) [usable: \(min(entry.maxVersion, api.versions.upperBound))]"
    }

    static func json(_ node: Node, _ offered: [Offered]) -> JSONValue {
        let apis = offered.sorted { $0.apiKey < $1.apiKey }.map { entry -> JSONValue in
            let api = WireAPI.of(APIKey(entry.apiKey))
            let usable = api.map { min(entry.maxVersion, $0.versions.upperBound) }
            let isUsable = usable.map { $0 >= max(entry.minVersion, api?.versions.lowerBound ?? 0) } ?? false
            return [
                "key": .integer(Int64(entry.apiKey)), "name": .text(orNull: api?.key.description),
                "min": .integer(Int64(entry.minVersion)), "max": .integer(Int64(entry.maxVersion)),
                "usable": .integer(orNull: isUsable ? usable : nil),
            ]
        }
        return .object(members(node) + [.init("apis", .array(apis))])
    }

    static func json(_ node: Node, error: String) -> JSONValue {
        .object(members(node) + [.init("error", .text(error))])
    }

    private static func members(_ node: Node) -> [JSONValue.Member] {
        [
            .init("id", .integer(Int64(node.brokerID.value))), .init("host", .text(node.host)),
            .init("port", .integer(Int64(node.port))), .init("rack", .text(orNull: node.rack)),
        ]
    }
}
