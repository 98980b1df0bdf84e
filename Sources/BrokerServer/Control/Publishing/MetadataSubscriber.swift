package import Metadata

/// Who acts on new metadata: partitions, coordinators, the node itself.
package protocol MetadataSubscriber: AnyObject, Sendable {
    /// Committed metadata was applied. Called on the control loop, in commit order; must not block.
    ///
    /// - Parameter delta: what changed since the call before; everything at the first call.
    func metadataPublished(_ image: MetadataImage, delta: MetadataDelta)
}
