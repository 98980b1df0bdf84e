/// What is known of where the batches of a segment stand, whatever their headers say.
struct BatchOrder: Hashable {
    /// The cleaner may have taken batches out; else each begins where the one before ends.
    let mayHaveGaps: Bool
    /// Whether the first batch begins at the segment's base offset: the first of a log may begin earlier, as a
    /// follower takes whole batches.
    let startsAtBase: Bool

    /// Nothing but that offsets ascend.
    static let ascending = BatchOrder(mayHaveGaps: true, startsAtBase: false)
}
