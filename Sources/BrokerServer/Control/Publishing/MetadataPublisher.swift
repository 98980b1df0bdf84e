package import Metadata
package import Primitives

/// Applies the committed metadata log to the image, batch by batch, and tells the subscribers.
///
/// `@unchecked Sendable`: touched on the control loop only; other threads read the cache.
package final class MetadataPublisher: @unchecked Sendable {
    /// What was before a metadata transaction that has not ended yet.
    private struct Transaction {
        let image: MetadataImage
        let delta: MetadataDelta
    }

    package let cache: MetadataCache
    /// What is committed; ahead of the cache only while a transaction is open.
    package private(set) var image = MetadataImage()
    private var unpublished = MetadataDelta()
    private var transaction: Transaction?
    private var subscribers: [any MetadataSubscriber] = []

    package init(cache: MetadataCache) { self.cache = cache }

    /// Adds a subscriber. One that comes late is told all there is as one change.
    package func subscribe(_ subscriber: any MetadataSubscriber) {
        subscribers.append(subscriber)
        let published = cache.current
        let delta = MetadataDelta(from: MetadataImage(), to: published)
        if !delta.isEmpty { subscriber.metadataPublished(published, delta: delta) }
    }

    /// Applies committed batches and publishes what they changed.
    ///
    /// - Throws: where a record can't be read or does not fit; the node must stop then.
    package func apply(_ batches: [CommittedBatch]) throws(MetadataError) {
        for batch in batches {
            for value in batch.records { try apply(try MetadataRecordFrame.decode(value)) }
            image.provenance = MetadataImage.Provenance(end: batch.endOffset, epoch: batch.epoch)
        }
        if transaction == nil { publish() }
    }

    /// Puts a snapshot in the place of all that was applied.
    package func load(_ snapshot: LoadedSnapshot) throws(MetadataError) {
        var records: [MetadataRecord] = []
        for value in snapshot.records { records.append(try MetadataRecordFrame.decode(value)) }
        let provenance = MetadataImage.Provenance(end: snapshot.endOffset, epoch: snapshot.epoch)
        image = try MetadataImage(records: records, provenance: provenance)
        transaction = nil
        unpublished = MetadataDelta(from: cache.current, to: image)
        publish()
    }

    /// The committed image as records; nil while a transaction is open.
    package func snapshotRecords() -> [Bytes]? {
        let level = image.features.recordLevel
        return transaction == nil ? image.snapshotRecords.map { MetadataRecordFrame.encode($0, at: level) } : nil
    }

    private func apply(_ record: MetadataRecord) throws(MetadataError) {
        switch record {
        case .beginTransaction: transaction = Transaction(image: image, delta: unpublished)
        case .endTransaction: transaction = nil
        case .abortTransaction:
            if let transaction {
                image = transaction.image
                unpublished = transaction.delta
            }
            transaction = nil
        default: try image.replay(record, noting: &unpublished)
        }
    }

    private func publish() {
        cache.replace(with: image)
        if unpublished.isEmpty { return }
        let delta = unpublished
        unpublished = MetadataDelta()
        for subscriber in subscribers { subscriber.metadataPublished(image, delta: delta) }
    }
}
