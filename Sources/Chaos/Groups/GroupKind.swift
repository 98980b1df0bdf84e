import ArgumentParser

/// The two protocols by which members of a group get their partitions.
enum GroupKind: String, Hashable, Sendable, CaseIterable, ExpressibleByArgument {
    /// The members divide the partitions, in generations of the group.
    case classic
    /// The coordinator divides them, and each member has epochs of its own (KIP-848).
    case consumer
}
