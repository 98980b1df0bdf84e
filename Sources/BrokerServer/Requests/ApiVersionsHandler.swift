import Primitives
package import WireMessages
import WireProtocol

/// Tells clients which APIs are answered, in which versions.
///
/// - Source: KIP-35, KIP-511 (unknown versions, client software), KIP-584 (features).
package struct ApiVersionsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...4
    package static let listeners: ListenerKinds = .all

    /// What Martlet nodes and tools call themselves.
    static let ownSoftwareName = "martlet"

    private let onClientListeners: [ApiVersionsResponse.ApiVersion]
    private let onControllerListeners: [ApiVersionsResponse.ApiVersion]
    private let features: @Sendable () -> FeatureReport

    /// - Parameter table: All other handlers; this one lists itself.
    init(_ table: HandlerTable, features: @escaping @Sendable () -> FeatureReport) {
        onClientListeners = ApiVersionsHandler.list(table, on: .client)
        onControllerListeners = ApiVersionsHandler.list(table, on: .controller)
        self.features = features
    }

    private static func list(_ table: HandlerTable, on kind: ListenerKinds) -> [ApiVersionsResponse.ApiVersion] {
        let listed = table.listedVersions(on: kind) + [(key: APIKey.apiVersions, versions: versions)]
        return listed.sorted { $0.key < $1.key }.map(entry)
    }

    private static func entry(_ key: APIKey, _ versions: ClosedRange<Int16>) -> ApiVersionsResponse.ApiVersion {
        var entry = ApiVersionsResponse.ApiVersion()
        entry.apiKey = key.value
        entry.minVersion = versions.lowerBound
        entry.maxVersion = versions.upperBound
        return entry
    }

    package func handle(
        _ request: ApiVersionsRequest, _ context: RequestContext, _ reply: Reply<ApiVersionsResponse>
    ) {
        var response = ApiVersionsResponse()
        guard context.version < 3 || ApiVersionsHandler.isPlausible(request) else {
            response.errorCode = .invalidRequest
            return reply(response)
        }
        context.connection.note(softwareName: request.clientSoftwareName)
        response.apiKeys = context.listener.kind == .controller ? onControllerListeners : onClientListeners
        addFeatures(to: &response, version: context.version)
        reply(response)
    }

    private func addFeatures(to response: inout ApiVersionsResponse, version: Int16) {
        let report = features()
        for feature in report.supported where version >= 4 || feature.levels.lowerBound > 0 {
            var key = ApiVersionsResponse.SupportedFeatureKey()
            key.name = feature.name
            key.minVersion = feature.levels.lowerBound
            key.maxVersion = feature.levels.upperBound
            response.supportedFeatures.append(key)
        }
        guard let epoch = report.finalizedEpoch else { return }
        response.finalizedFeaturesEpoch = epoch.value
        for feature in report.finalized {
            var key = ApiVersionsResponse.FinalizedFeatureKey()
            key.name = feature.name
            key.minVersionLevel = feature.level
            key.maxVersionLevel = feature.level
            response.finalizedFeatures.append(key)
        }
    }

    /// Whether name and version of the client's software look like such: letters, digits, dots and dashes within.
    private static func isPlausible(_ request: ApiVersionsRequest) -> Bool {
        [request.clientSoftwareName, request.clientSoftwareVersion].allSatisfy { text in
            let characters = text.utf8
            guard let first = characters.first, let last = characters.last else { return false }
            return isLetterOrDigit(first) && isLetterOrDigit(last)
                && characters.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
        }
    }

    private static func isLetterOrDigit(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// The answer to a version that is not served: in version 0, which every client reads, with the range that is.
    static func unsupportedVersion(_ header: RequestHeader) -> Bytes {
        var response = ApiVersionsResponse()
        response.errorCode = .unsupportedVersion
        response.apiKeys = [entry(.apiVersions, versions)]
        return WireFrame.response(
            to: ApiVersionsRequest.self, response, version: 0, correlationID: header.correlationID)
    }
}

extension HandlerTable {
    /// Adds ApiVersions, computed from what is registered so far: the last handler of all.
    package mutating func registerApiVersions(features: @escaping @Sendable () -> FeatureReport) {
        register(ApiVersionsHandler(self, features: features))
    }
}
