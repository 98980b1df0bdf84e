package import Primitives
import WireMessages
import WireProtocol

/// The bytes of a response, its header taken off: what a fetching replica slices records from without a copy.
package struct RawResponse: Sendable {
    package let version: Int16
    package let body: Bytes
}

/// A request on its way to a peer, its type erased.
struct PeerRequest: Sendable {
    let key: APIKey
    /// The versions that this side would send.
    let versions: ClosedRange<Int16>
    let firstFlexible: Int16
    let deadline: MonotonicInstant
    let encode: @Sendable (Int16, CorrelationID) -> Bytes
    let finish: @Sendable (Result<RawResponse, PeerError>) -> Void

    /// Takes the header off a response frame and hands its body to whoever waits for it.
    ///
    /// - Errors: the header can't be read.
    func finish(with frame: Bytes, version: Int16) throws(WireError) {
        var reader = WireReader(frame)
        let headerVersion = ResponseHeader.headerVersion(key: key, version: version, firstFlexible: firstFlexible)
        _ = try ResponseHeader(from: &reader, headerVersion: headerVersion)
        finish(.success(RawResponse(version: version, body: frame[reader.position..<frame.count])))
    }
}

/// The versions that a peer listed in its answer to ApiVersions.
struct PeerVersions: Sendable {
    private var ranges: [APIKey: ClosedRange<Int16>] = [:]

    init(_ response: ApiVersionsResponse) {
        for listed in response.apiKeys where listed.minVersion <= listed.maxVersion {
            ranges[APIKey(listed.apiKey)] = listed.minVersion...listed.maxVersion
        }
    }

    /// The greatest version that both sides speak.
    func best(for request: PeerRequest) -> Int16? {
        guard let theirs = ranges[request.key], theirs.overlaps(request.versions) else { return nil }
        return min(theirs.upperBound, request.versions.upperBound)
    }
}
