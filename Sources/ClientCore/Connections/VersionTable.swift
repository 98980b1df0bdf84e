package import Primitives
package import WireMessages
package import WireProtocol

/// Which versions of each API a broker speaks.
package struct VersionTable: Hashable, Sendable {
    private var ranges: [APIKey: ClosedRange<Int16>] = [:]

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
        return greatest >= max(theirs.lowerBound, Request.versions.lowerBound) ? greatest : nil
    }
}
