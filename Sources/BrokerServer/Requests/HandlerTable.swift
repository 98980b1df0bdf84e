package import Primitives
import Security
package import WireProtocol

/// The APIs that a node answers, by key. Built once at start; read by all loops.
package struct HandlerTable: Sendable {
    /// One API, its handler's type erased.
    package struct Entry: Sendable {
        package let key: APIKey
        package let versions: ClosedRange<Int16>
        package let firstFlexible: Int16
        package let listeners: ListenerKinds
        /// Decodes the body and calls the handler; returns why the body can't be read, if so.
        package let dispatch: @Sendable (RequestContext, ReplySlot) -> WireError?
    }

    /// By API key.
    private var entries: [Entry?] = []

    package init() {}

    /// Adds a handler. Two for one API, or a version that the message lacks, is a bug.
    package mutating func register<Handler: RequestHandler>(_ handler: Handler) {
        let key = Handler.Request.key
        precondition(entry(for: key) == nil, "two handlers for \(key)")
        precondition(
            !ClusterAction.isForNodesOnly(key) || Handler.listeners == .controller,
            "\(key) speaks for a node and is offered to clients")
        let known = Handler.Request.versions
        precondition(
            known.lowerBound <= Handler.versions.lowerBound && Handler.versions.upperBound <= known.upperBound,
            "\(key) is handled in a version that does not exist")
        while entries.count <= Int(key.value) { entries.append(nil) }
        entries[Int(key.value)] = Entry(
            key: key, versions: Handler.versions, firstFlexible: Handler.Request.firstFlexible,
            listeners: Handler.listeners
        ) { context, slot in
            do throws(WireError) {
                let request = try RequestBody.decode(Handler.Request.self, context.bytes, version: context.version)
                handler.handle(request, context, Reply(slot))
                return nil
            } catch {
                return error
            }
        }
    }

    /// The API's entry, or nil where nothing answers it.
    package func entry(for key: APIKey) -> Entry? {
        guard key.value >= 0, Int(key.value) < entries.count else { return nil }
        return entries[Int(key.value)]
    }

    /// Every API with a handler, in order.
    var servedKeys: [APIKey] { entries.compactMap { $0?.key } }

    /// What ApiVersions lists on a listener of `kind`, by key.
    ///
    /// Two ranges differ from what is answered. Produce is listed from 0, as librdkafka takes a broker without it for
    /// one too old to talk to, though 0 to 2 are refused (KIP-896). InitProducerId is listed only to 5: version 6
    /// belongs to two-phase commit (KIP-939), which is not finalized.
    package func listedVersions(on kind: ListenerKinds) -> [(key: APIKey, versions: ClosedRange<Int16>)] {
        entries.compactMap { $0 }.filter { !$0.listeners.isDisjoint(with: kind) }.map { entry in
            switch entry.key {
            case .produce: (entry.key, 0...entry.versions.upperBound)
            case .initProducerID: (entry.key, entry.versions.lowerBound...min(entry.versions.upperBound, 5))
            default: (entry.key, entry.versions)
            }
        }
    }
}
