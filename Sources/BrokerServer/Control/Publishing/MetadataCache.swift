package import Metadata
package import Primitives
import Synchronization

/// The newest committed metadata, for whoever answers a request on any thread.
package final class MetadataCache: Sendable {
    private let image = Mutex(MetadataImage())

    package init() {}

    /// The newest image; taking it is cheap, as copies share their content.
    package var current: MetadataImage { image.withLock { $0 } }

    /// The offset behind the last record that the newest image has.
    package var end: Offset { image.withLock { $0.provenance.end } }

    func replace(with new: MetadataImage) { image.withLock { $0 = new } }
}
