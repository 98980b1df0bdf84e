import Metadata
import Primitives

/// INV-10: what a node has applied is a prefix of the committed metadata: none applies more than is committed, and two
/// nodes that applied as much have the same.
struct MetadataIsPrefix: Sendable {
    private var images: [Offset: MetadataImage] = [:]
    private var ends: [Offset] = []
    /// Older ones are forgotten; a node that is so far behind is compared when it has caught up.
    private static let keptMax = 256

    mutating func violation(_ image: MetadataImage, of node: Int, committed: Offset) -> String? {
        let end = image.provenance.end
        guard end <= committed else {
            return "INV-10: node \(node) applied metadata up to \(end), \(committed) is committed"
        }
        if let known = images[end] {
            return known == image ? nil : "INV-10: node \(node) applied other metadata up to \(end) than another node"
        }
        images[end] = image
        ends.append(end)
        if ends.count > MetadataIsPrefix.keptMax { images[ends.removeFirst()] = nil }
        return nil
    }
}
