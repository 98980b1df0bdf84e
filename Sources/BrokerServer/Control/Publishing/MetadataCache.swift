package import Metadata
import Synchronization

/// The newest committed metadata, for whoever answers a request on any thread.
package final class MetadataCache: Sendable {
    private let image = Mutex(MetadataImage())

    package init() {}

    /// The newest image; taking it is cheap, as copies share their content.
    package var current: MetadataImage { image.withLock { $0 } }

    func replace(with new: MetadataImage) { image.withLock { $0 = new } }
}
