package import Primitives
package import WireMessages
package import WireProtocol

/// Which versions of each API a broker speaks.
package struct VersionTable: Hashable, Sendable {
    private var ranges: [APIKey: ClosedRange<Int16>] = [:]

    /// The first versions that can say what our requests say; Kafka has had all of them since 3.8.
    private static let leastVersions: [APIKey: Int16] = [
        .metadata: 4, .offsetCommit: 7, .offsetFetch: 8, .findCoordinator: 4, .joinGroup: 5, .heartbeat: 3,
        .leaveGroup: 3, .syncGroup: 3, .listGroups: 5, .deleteTopics: 6, .listOffsets: 2, .describeGroups: 3,
        .listTransactions: 1,
    ]

    /// Ranges that are upside down are left out, as if the API were missing.
    package init(_ response: ApiVersionsResponse) {
        for entry in response.apiKeys where entry.minVersion <= entry.maxVersion {
            ranges[APIKey(entry.apiKey)] = entry.minVersion...entry.maxVersion
        }
    }

    /// The range of one API; nil if the broker does not have it.
    package func range(of key: APIKey) -> ClosedRange<Int16>? { ranges[key] }

    /// The greatest version that both sides speak, up to `limit`; nil if there is none.
    package func version<Request: WireRequest>(of type: Request.Type, upTo limit: Int16? = nil) -> Int16? {
        guard let theirs = ranges[Request.key] else { return nil }
        let greatest = min(theirs.upperBound, Request.versions.upperBound, limit ?? Int16.max)
        let least = max(VersionTable.leastVersions[Request.key] ?? 0, theirs.lowerBound, Request.versions.lowerBound)
        return greatest >= least ? greatest : nil
    }
}
