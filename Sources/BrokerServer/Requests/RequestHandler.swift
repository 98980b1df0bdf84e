package import WireProtocol

/// Answers one API. Called on the loop of the connection; never blocks it.
package protocol RequestHandler: Sendable {
    associatedtype Request: WireRequest
    /// The versions that are answered; ApiVersions is computed from them.
    static var versions: ClosedRange<Int16> { get }
    /// On which listeners the API answers; on others it is unknown.
    static var listeners: ListenerKinds { get }
    /// Answers through `reply`, now or later, from any thread, exactly once.
    func handle(_ request: Request, _ context: RequestContext, _ reply: Reply<Request.Response>)
}
